// What does the ledger say of a delivery that S3 reports more than once? One entry per delivered signature and decision.
import { expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { importKey } from '../../../../shared/whitelist/import.ts';
import { makeSigner } from '../../../pki/certificates.ts';
import { agreeLot, entriesOf, gapsIn, makeScene, stateOf, trust, type Scene } from '../../scene.ts';
import { drop, linesOf, manifestOf, REPORT, type DroppedVersion } from './deliveries.ts';

test('the same refusal again makes no second entry', async () => {
  const scene = await makeScene();
  const delivery = await drop(scene, manifestOf(await linesOf(scene, 1)), { signed: 'another file' });
  for (let arrival = 0; arrival < 3; arrival += 1) await importManifest(delivery, scene);
  expect(decisionsIn(scene, delivery)).toEqual([[1, 'manifest-refused', 'signature-invalid']]);
  expect(await storedOf(scene, delivery)).toEqual({ version: 1, decision: 'signature-invalid' });
});

test('another decision of the same delivery is the next entry: trust may change in between', async () => {
  const scene = await makeScene();
  const signer = await makeSigner('Second Signer', { key: 'second' });
  const delivery = await drop(scene, manifestOf(await linesOf(scene, 2), { lot: '8' }), { signer });
  await importManifest(delivery, scene);
  trust(scene, signer, 'signer');
  await importManifest(delivery, scene);
  agreeLot(scene, { lot: '8' });
  await importManifest(delivery, scene);
  await importManifest(delivery, scene);
  expect(decisionsIn(scene, delivery)).toEqual([
    [1, 'manifest-refused', 'signer-unknown'],
    [2, 'manifest-refused', 'lot-unknown'],
    [3, 'manifest-verified', undefined],
  ]);
  expect(await storedOf(scene, delivery)).toMatchObject({ version: 3, decision: 'verified', verified: { lot: '8' } });
  expect(gapsIn(scene)).toEqual([]);
});

test('T001 a delivery whose import is done is left alone: nothing is written, read or asked for again', async () => {
  const scene = await makeScene();
  const delivery = await drop(scene, manifestOf(await linesOf(scene, 2)));
  const first = await importManifest(delivery, scene);
  const row = (await storedOf(scene, delivery)) as object;
  scene.registry.seed(importKey(delivery), { ...row, version: 2, decision: 'imported' });
  const before = { state: stateOf(scene), store: scene.manifests.calls.length, asked: scene.chunks.requested.length };
  expect(await importManifest(delivery, scene)).toEqual(first);
  const after = { state: stateOf(scene), store: scene.manifests.calls.length, asked: scene.chunks.requested.length };
  expect(after).toEqual(before);
});

test('each delivered signature has decisions of its own', async () => {
  const scene = await makeScene();
  const manifest = manifestOf(await linesOf(scene, 1));
  const first = await drop(scene, manifest);
  const second = await drop(scene, manifest, { signed: 'another file' });
  const third = await drop(scene, manifest, { name: 'again.jsonl' });
  for (const delivery of [first, second, third]) await importManifest(delivery, scene);
  expect(decisionsIn(scene, first)).toEqual([[1, 'manifest-verified', undefined]]);
  expect(decisionsIn(scene, second)).toEqual([[1, 'manifest-refused', 'signature-invalid']]);
  // Its version has the same name as the first one's, under another key.
  expect(third.signatureVersion).toBe(first.signatureVersion);
  expect(decisionsIn(scene, third)).toEqual([[1, 'manifest-verified', undefined]]);
});

test('a delivery without a version is decided under the version of the newest signature', async () => {
  const scene = await makeScene();
  const { signatureVersion: _told, ...open } = await drop(scene, manifestOf(await linesOf(scene, 1)));
  const newest = await drop(scene, manifestOf(await linesOf(scene, 1)), { signed: 'another file' });
  await importManifest(open, scene);
  expect(decisionsIn(scene, newest)).toEqual([[1, 'manifest-refused', 'signature-invalid']]);
  expect(JSON.parse(scene.manifests.text(REPORT) ?? '')).toMatchObject({ signatureVersion: newest.signatureVersion });
});

test('a delivery whose signature is not there is decided under its request', async () => {
  const scene = await makeScene();
  const { signatureVersion: _told, ...good } = await drop(scene, manifestOf([]));
  const open = { ...good, signatureKey: 'manifests/acme/other.jsonl.jws' };
  await importManifest(open, scene);
  await importManifest(open, scene);
  expect(decisionsIn(scene, { ...open, signatureVersion: scene.requestId })).toEqual([
    [1, 'manifest-refused', 'manifest-absent'],
  ]);
});

test('a delivery that two workers decide at once is a fault of the slower one, and its rerun finds the decision', async () => {
  const scene = await makeScene();
  const delivery = await drop(scene, manifestOf([]));
  scene.registry.beforeCommit(() => {
    scene.registry.seed(importKey(delivery), { version: 1, decision: 'signer-unknown' });
  });
  await expect(importManifest(delivery, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
  expect(entriesOf(scene)).toEqual([]);
  expect(scene.chunks.calls).toEqual([]);
  await importManifest(delivery, scene);
  expect(decisionsIn(scene, delivery)).toEqual([[2, 'manifest-verified', undefined]]);
});

test('the chunks of the faster of two workers are the ones asked for at last, also when they started at two times', async () => {
  const scene = await makeScene();
  const delivery = await drop(scene, manifestOf(await linesOf(scene, 1)));
  scene.registry.beforeCommit(async () => {
    scene.clock.advance(1000);
    await importManifest(delivery, scene);
  });
  await expect(importManifest(delivery, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
  await importManifest(delivery, scene);
  const [fast, again] = scene.chunks.requested;
  expect(again).toEqual(fast);
  expect(decisionsIn(scene, delivery)).toEqual([[1, 'manifest-verified', undefined]]);
});

test.each([{}, { version: 0, decision: 'imported' }, { version: 1 }, { version: 1, decision: 1 }])(
  'an import row %j is a fault, never a first decision',
  async (row) => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf([]));
    scene.registry.seed(importKey(delivery), row);
    await expect(importManifest(delivery, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(entriesOf(scene)).toEqual([]);
  },
);

async function storedOf({ registry }: Scene, delivery: DroppedVersion): Promise<unknown> {
  return (await registry.read([importKey(delivery)]))[0];
}

function decisionsIn(scene: Scene, { signatureKey, signatureVersion }: DroppedVersion) {
  return entriesOf(scene)
    .filter(({ stream }) => stream === `import/${signatureKey}#${signatureVersion}`)
    .map(({ seq, leaf, detail }) => [seq, leaf.kind, detail.reason]);
}
