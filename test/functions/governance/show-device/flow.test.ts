// Does the dossier show everything that is known of one device, and nothing of another?
import { expect, test } from 'vitest';

import { showDevice } from '../../../../functions/governance/show-device/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { pendingPartition, STREAMS, type Leaf } from '../../../../shared/ledger/entry.ts';
import { makeDevice } from '../../../pki/certificates.ts';
import { arrivalOf, noticeOf } from '../../onboarding/register-device/notices.ts';
import { awaitPump, listChip, listPump, makeScene, ownPump, type Scene } from '../../scene.ts';

test('shows listing, row, refusals and entries, by the device id and by the certificate id', async () => {
  const { scene, pump } = await admittedScene();
  for (const subject of [pump.id, pump.certificateId]) {
    const dossier = await show(scene, subject);
    expect(dossier).toMatchObject({
      outcome: 'done',
      value: {
        subject,
        listing: { device: pump.id },
        device: { state: 'registered', version: 2 },
        refusals: [{ reason: 'authority-unknown', repeats: 1 }],
      },
    });
    expect(entriesIn(dossier).map(({ entry, opens }) => [entry.stream, entry.leaf.kind, opens])).toEqual([
      [`device/${pump.id}`, 'claimed', true],
      [`refusal/${pump.certificateId}/authority-unknown/1`, 'refused', true],
      [`certificate/${pump.certificateId}`, 'alignment-requested', true],
      [`device/${pump.id}`, 'admitted', true],
    ]);
  }
});

test('shows a listed device that nobody owns', async () => {
  const scene = await makeScene();
  const pump = await listPump(scene);
  const dossier = await show(scene, pump.id);
  expect(dossier).toMatchObject({
    outcome: 'done',
    value: { listing: { device: pump.id }, refusals: [], entries: [] },
  });
  expect(dossier.outcome === 'done' && 'device' in dossier.value).toBe(false);
});

test('shows the refusals of a certificate that nobody listed', async () => {
  const scene = await makeScene();
  const stranger = await makeDevice(scene.authority, 'P6666');
  const certificateId = stranger.certificate.fingerprint;
  await registerDevice(arrivalOf(scene, stranger), scene);
  expect(await show(scene, certificateId)).toMatchObject({
    outcome: 'done',
    value: {
      refusals: [{ reason: 'not-listed', deviceVersion: 0 }],
      entries: [
        { entry: { stream: `refusal/${certificateId}/not-listed/0`, leaf: { kind: 'refused' } }, opens: true },
        { entry: { stream: `certificate/${certificateId}`, leaf: { kind: 'alignment-requested' } }, opens: true },
      ],
    },
  });
});

test('shows the entry of every refusal, under the version of the row that was refused, oldest first', async () => {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  const under = (authorityId: string) => registerDevice({ ...noticeOf(scene, pump), authorityId }, scene);
  scene.clock.advance(1);
  await under('c'.repeat(64));
  scene.clock.advance(1);
  await registerDevice(noticeOf(scene, pump), scene);
  scene.clock.advance(1);
  await under('c'.repeat(64));
  const dossier = await show(scene, pump.id);
  expect(dossier).toMatchObject({ value: { refusals: [{ deviceVersion: 1 }, { deviceVersion: 2 }] } });
  expect(entriesIn(dossier).map(({ entry: { stream, leaf } }) => [stream.split('/').at(-1), leaf.kind])).toEqual([
    [pump.id, 'claimed'],
    ['1', 'refused'],
    [pump.certificateId, 'alignment-requested'],
    [pump.id, 'admitted'],
    ['2', 'refused'],
  ]);
});

test('shows nothing of a device whose id only begins alike', async () => {
  const scene = await makeScene();
  const short = await ownPump(scene, 'P1');
  // One whose entries lie in the same partition, next to those of the first.
  const partition = pendingPartition(STREAMS.device(short.id));
  const serials = Array.from({ length: 1000 }, (_none, index) => `P1${index}`);
  const long = serials.find((serial) => pendingPartition(STREAMS.device(`acme-${serial}`)) === partition);
  await ownPump(scene, long);
  const streams = entriesIn(await show(scene, short.id)).map(({ entry }) => entry.stream);
  expect(streams).toEqual(['device/acme-P1']);
});

test('keeps the order of a stream where the clock of a later worker was behind', async () => {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  scene.clock.set('2026-11-24T11:59:00.000Z');
  await registerDevice(noticeOf(scene, pump), scene);
  const shown = entriesIn(await show(scene, pump.id)).map(({ entry: { seq, leaf } }) => [seq, leaf.kind, leaf.time]);
  expect(shown).toEqual([
    [1, 'claimed', '2026-11-24T12:00:00.000Z'],
    [2, 'admitted', '2026-11-24T11:59:00.000Z'],
  ]);
});

test('says of an altered detail that its commitment does not open', async () => {
  const { scene, pump } = await admittedScene();
  const row = scene.registry.rows('ledger').find(({ row: { leaf } }) => (leaf as Leaf).kind === 'admitted');
  if (row === undefined) throw new Error('expected an entry');
  const { row: entry, ...key } = row;
  scene.registry.seed(key, { ...entry, detail: { ...(entry['detail'] as object), owner: 'st-bert' } });
  const shown = entriesIn(await show(scene, pump.id)).map(({ entry, opens }) => [entry.leaf.kind, opens]);
  expect(shown).toEqual([
    ['claimed', true],
    ['refused', true],
    ['alignment-requested', true],
    ['admitted', false],
  ]);
});

test.each<[subject: unknown, reason: string]>([
  ['acme-P9999', 'device-unknown'],
  ['f'.repeat(64), 'device-unknown'],
  ['acme/+', 'id-malformed'],
  ['', 'request-malformed'],
  ['a'.repeat(65), 'request-malformed'],
  [{ $ne: '' }, 'request-malformed'],
])('refuses %j (%s)', async (subject, reason) => {
  expect(await show(await makeScene(), subject)).toMatchObject({ outcome: 'refused', refusal: { reason } });
});

test('shows a device that waits for its certificate, and its entry', async () => {
  const scene = await makeScene();
  const id = await awaitPump(scene);
  const dossier = await show(scene, id);
  expect(dossier).toMatchObject({ outcome: 'done', value: { subject: id, waiting: { device: id }, refusals: [] } });
  expect(dossier.outcome === 'done' && 'listing' in dossier.value).toBe(false);
  expect(entriesIn(dossier).map(({ entry, opens }) => [entry.leaf.kind, opens])).toEqual([['waiting', true]]);
  expect(await show(scene, id.toLowerCase())).toMatchObject({ refusal: { reason: 'device-unknown' } });
});

test('shows of a listed device also how it waited, and what became of its certificate', async () => {
  const scene = await makeScene();
  const waited = await awaitPump(scene, 'c1001');
  const chip = await listChip(scene, 'c1001');
  expect(chip.id).toBe(waited);
  for (const subject of [chip.id, chip.certificateId]) {
    const entries = entriesIn(await show(scene, subject));
    expect(entries.map(({ entry, opens }) => [entry.stream, entry.leaf.kind, opens])).toEqual([
      [`waiting/${chip.id}`, 'waiting', true],
      [`certificate/${chip.certificateId}`, 'alignment-requested', true],
    ]);
  }
});

test('T052 shows under a device the certificates that took its name, and none that took another', async () => {
  const scene = await makeScene();
  const [pump, other] = [await ownPump(scene, 'P1001'), await listPump(scene, 'P1002')];
  const clones = [];
  for (const key of ['clone 1', 'clone 2']) {
    scene.clock.advance(1000);
    const clone = await makeDevice(scene.authority, 'P1001', { key });
    await registerDevice(arrivalOf(scene, clone), scene);
    clones.push({ version: 1, certificateId: clone.certificate.fingerprint, at: scene.clock.now() });
  }
  const shown = await show(scene, pump.id);
  expect(shown.outcome === 'done' ? [...shown.value.clones].sort((a, b) => a.at.localeCompare(b.at)) : []).toEqual(
    clones,
  );
  expect(await show(scene, other.id)).toMatchObject({ value: { clones: [] } });
  // A clone has a dossier of its own: what it was refused for.
  expect(await show(scene, clones[0]?.certificateId)).toMatchObject({
    value: { refusals: [{ reason: 'another-key' }], clones: [] },
  });
});

test('T020 shows nothing of a device whose id differs by case', async () => {
  const { scene, pump } = await admittedScene();
  expect(await show(scene, pump.id.toLowerCase())).toMatchObject({ refusal: { reason: 'device-unknown' } });
});

test('changes nothing', async () => {
  const { scene, pump } = await admittedScene();
  const commits = scene.registry.committed.length;
  await show(scene, pump.id);
  expect(scene.registry.committed).toHaveLength(commits);
});

type Answer = Awaited<ReturnType<typeof showDevice>>;

function show({ registry }: Scene, subject: unknown): Promise<Answer> {
  return showDevice({ subject }, registry);
}

function entriesIn(answer: Answer) {
  return answer.outcome === 'done' ? answer.value.entries : [];
}

/** Refused twice under a CA we do not know, then admitted. */
async function admittedScene() {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  scene.clock.advance(1);
  for (let connect = 0; connect < 2; connect += 1)
    await registerDevice({ ...noticeOf(scene, pump), authorityId: 'c'.repeat(64) }, scene);
  scene.clock.advance(1);
  await registerDevice(noticeOf(scene, pump), scene);
  return { scene, pump };
}
