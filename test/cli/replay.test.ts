// Is a replayed event decided in the world of its file, and in no other? Clock, account and rows come from there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseReplayFile, replayRegisterDevice, type ReplayFile } from '../../cli/replay.ts';

const EVENTS = join(import.meta.dirname, '../../events/register-device');

test('gives the same answer each time, and leaves the file as it was', async () => {
  const file = read('admitted.json');
  const before = structuredClone(file);
  const first = await replayRegisterDevice(file);
  expect(await replayRegisterDevice(file)).toEqual(first);
  expect(file).toEqual(before);
});

test('admits in the world of the file: the row, the entry, and the request to align-broker', async () => {
  const { outcome, entries, rows, requests, wish } = await replayRegisterDevice(read('admitted.json'));
  expect(outcome).toMatchObject({ outcome: 'done', value: { verdict: 'admitted' } });
  expect(entries.map(({ kind, seq }) => [kind, seq])).toEqual([['admitted', 3]]);
  expect(rows).toMatchObject([{ row: { state: 'registered', version: 3 } }]);
  expect(requests).toEqual(rows.map(({ row }) => ({ about: 'device', id: row['id'] })));
  expect(wish).toBeUndefined();
});

test('shows what is wished of a refused certificate, and for how long it may wait', async () => {
  const { wish, requests } = await replayRegisterDevice(read('not-listed.json'));
  expect(wish).toMatchObject({ wanted: 'absent', brokerPending: '2026-12-24T12:00:02.000Z' });
  expect(requests).toEqual([]);
});

test('shows no wish that was there before the event', async () => {
  const { connect, wish } = await replayRegisterDevice(read('repeated-by-presence.json'));
  const { rows } = read('repeated-by-presence.json').world;
  expect(rows.map(({ pk }) => pk)).toContain(`certificate#${connect.certificateId}`);
  expect(wish).toBeUndefined();
});

test('tells requests for a device, a certificate and an authority apart', async () => {
  const { requests, connect } = await replayRegisterDevice(read('breaker-opens.json'));
  const { caCertificateId } = read('breaker-opens.json').event as { readonly caCertificateId: string };
  expect(requests).toEqual([
    { about: 'revocation', id: connect.certificateId },
    { about: 'authority', id: caCertificateId },
  ]);
});

test('knows the device of a listed certificate, and none of another one', async () => {
  const { connect } = await replayRegisterDevice(read('certificate-expired.json'));
  expect(connect).toMatchObject({
    event: 'registration',
    device: 'acme-P1001',
    product: 'infusion-pump',
    asked: false,
  });
  expect((await replayRegisterDevice(read('another-key.json'))).connect).not.toHaveProperty('device');
});

test('says of a device under restrictions that it may go on sending, and of no other', async () => {
  const restricted = await replayRegisterDevice(read('quarantined-restricted.json'));
  expect(restricted.explanation.happened).toContain('it may go on sending, but it gets no keys');
  for (const name of ['repeated.json', 'quarantined.json'])
    expect((await replayRegisterDevice(read(name))).connect).not.toHaveProperty('restricted');
});

test('decides at the time of the file, however it is written', async () => {
  const { event, world } = read('admitted.json');
  const late = { event, world: { ...world, now: '2999-01-01T00:00:00Z' } };
  expect(await replayRegisterDevice(late)).toMatchObject({ outcome: { refusal: { reason: 'certificate-expired' } } });
  const short = { event, world: { ...world, now: world.now.replace('.000Z', 'Z') } };
  expect(short.world.now).not.toBe(world.now);
  expect(await replayRegisterDevice(short)).toEqual(await replayRegisterDevice({ event, world }));
});

test('decides for the account of the file', async () => {
  const { event, world } = read('admitted.json');
  const elsewhere = await replayRegisterDevice({ event, world: { ...world, account: '210987654321' } });
  expect(elsewhere).toMatchObject({ outcome: { refusal: { reason: 'account-differs' } }, entries: [], requests: [] });
});

test('shows what the event adds to the ledger, not what was there before', async () => {
  const file = read('not-listed.json');
  const added = (await replayRegisterDevice(file)).entries;
  expect(added.map(({ kind }) => kind).sort()).toEqual(['alignment-requested', 'refused']);
  const rows = [...file.world.rows, { table: 'ledger' as const, pk: 'pending#00', sk: 'other#1', row: {} }];
  expect((await replayRegisterDevice({ ...file, world: { ...file.world, rows } })).entries).toEqual(added);
});

test('counts a refusal that comes again instead of writing a second entry, and wishes nothing anew', async () => {
  const file = read('not-listed.json');
  const left = (await replayRegisterDevice(file)).rows;
  const rows = [...file.world.rows, ...left] as ReplayFile['world']['rows'];
  const again = { ...file, world: { ...file.world, rows } };
  const replay = await replayRegisterDevice(again);
  expect(replay.entries).toEqual([]);
  expect(replay.wish).toBeUndefined();
  expect(replay.rows.filter(({ sk }) => sk.startsWith('refusal#'))).toMatchObject([{ row: { repeats: 1 } }]);
});

test('answers an event of any shape: it is text from a broker', async () => {
  const { world } = read('admitted.json');
  for (const event of [undefined, null, [], 'text', { certificateId: {} }])
    expect(await replayRegisterDevice({ event, world })).toMatchObject({
      outcome: { refusal: { reason: 'notice-malformed' } },
    });
});

test.each<[string, (file: ReplayFile) => unknown]>([
  ['no world', ({ event }) => ({ event })],
  ['a member more', (file) => ({ ...file, expected: 'done' })],
  ['a time that is none', ({ event, world }) => ({ event, world: { ...world, now: 'today' } })],
  [
    'a table that we do not have',
    ({ event, world }) => ({ event, world: { ...world, rows: [{ ...ROW, table: 'x' }] } }),
  ],
  ['a row with a member more', ({ event, world }) => ({ event, world: { ...world, rows: [{ ...ROW, more: 1 }] } })],
])('refuses a file with %s', (_name, change) => {
  expect(() => parseReplayFile(JSON.stringify(change(read('admitted.json'))))).toThrow();
});

test('refuses a file that is no JSON', () => {
  expect(() => parseReplayFile('{')).toThrow(SyntaxError);
});

const ROW = { table: 'owners', pk: 'p', sk: 's', row: {} };

function read(name: string): ReplayFile {
  return parseReplayFile(readFileSync(join(EVENTS, name), 'utf8'));
}
