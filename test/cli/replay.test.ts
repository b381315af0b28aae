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
  const { outcome, entries, rows, alignments } = await replayRegisterDevice(read('admitted.json'));
  expect(outcome).toMatchObject({ outcome: 'done', value: { verdict: 'admitted' } });
  expect(entries.map(({ kind, seq }) => [kind, seq])).toEqual([['admitted', 3]]);
  expect(rows).toMatchObject([{ row: { state: 'registered', version: 3 } }]);
  expect(alignments).toEqual(rows.map(({ row }) => row['id']));
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
  expect(elsewhere).toMatchObject({ outcome: { refusal: { reason: 'account-differs' } }, entries: [], alignments: [] });
});

test('shows what the event adds to the ledger, not what was there before', async () => {
  const file = read('not-listed.json');
  const [added] = (await replayRegisterDevice(file)).entries;
  expect(added).toMatchObject({ kind: 'refused' });
  const rows = [...file.world.rows, { table: 'ledger' as const, pk: 'pending#00', sk: 'other#1', row: {} }];
  expect((await replayRegisterDevice({ ...file, world: { ...file.world, rows } })).entries).toEqual([added]);
});

test('counts a refusal that comes again instead of writing a second entry', async () => {
  const file = read('not-listed.json');
  const refusals = (await replayRegisterDevice(file)).rows.filter(({ sk }) => sk.startsWith('refusal#'));
  const rows = [...file.world.rows, ...refusals] as ReplayFile['world']['rows'];
  const again = { ...file, world: { ...file.world, rows } };
  const replay = await replayRegisterDevice(again);
  expect(replay.entries).toEqual([]);
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
