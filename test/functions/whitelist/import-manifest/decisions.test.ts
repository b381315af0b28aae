// What does the ledger say of a delivery that S3 reports more than once? One entry per delivered signature and decision.
import { expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import type { Delivery } from '../../../../functions/whitelist/import-manifest/notice.ts';
import { anchorKey, anchorRow } from '../../../../shared/identity/anchor.ts';
import { importKey } from '../../../../shared/whitelist/import.ts';
import { anchorOf, makeSigner } from '../../../pki/certificates.ts';
import { entriesOf, gapsIn, makeScene, type Scene } from '../../scene.ts';
import { drop, linesOf, manifestOf } from './deliveries.ts';

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
  const delivery = await drop(scene, manifestOf(await linesOf(scene, 2)), { signer });
  await importManifest(delivery, scene);
  scene.registry.seed(
    anchorKey('acme', 'signer', signer.certificate.fingerprint),
    anchorRow(anchorOf(signer, 'signer')),
  );
  await importManifest(delivery, scene);
  await importManifest(delivery, scene);
  expect(decisionsIn(scene, delivery)).toEqual([
    [1, 'manifest-refused', 'signer-unknown'],
    [2, 'manifest-imported', undefined],
  ]);
  expect(await storedOf(scene, delivery)).toEqual({ version: 2, decision: 'imported' });
  expect(gapsIn(scene)).toEqual([]);
});

test('each delivered signature has decisions of its own', async () => {
  const scene = await makeScene();
  const manifest = manifestOf(await linesOf(scene, 1));
  const first = await drop(scene, manifest);
  const second = await drop(scene, manifest, { signed: 'another file' });
  await importManifest(first, scene);
  await importManifest(second, scene);
  expect(decisionsIn(scene, first)).toEqual([[1, 'manifest-imported', undefined]]);
  expect(decisionsIn(scene, second)).toEqual([[1, 'manifest-refused', 'signature-invalid']]);
});

test('a delivery without a version is decided under the version of the newest signature', async () => {
  const scene = await makeScene();
  const { signatureVersion, ...open } = await drop(scene, manifestOf(await linesOf(scene, 1)));
  const newest = await drop(scene, manifestOf(await linesOf(scene, 1)), { signed: 'another file' });
  await importManifest(open, scene);
  expect(decisionsIn(scene, newest)).toEqual([[1, 'manifest-refused', 'signature-invalid']]);
  expect(entriesOf(scene).map(({ stream }) => stream)).not.toContain(`import/${signatureVersion ?? ''}`);
  expect(scene.manifests.text(`${open.manifestKey}.report.json`)).toContain(newest.signatureVersion ?? 'none');
});

test('a delivery whose signature is not there is decided under its request', async () => {
  const scene = await makeScene();
  const { manifestKey, manufacturer, deliveredBy } = await drop(scene, manifestOf([]));
  const open = { signatureKey: 'manifests/acme/other.jws', manifestKey, manufacturer, deliveredBy };
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
    scene.registry.seed(keyOf(delivery), { version: 1, decision: 'signer-unknown' });
  });
  await expect(importManifest(delivery, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
  expect(entriesOf(scene)).toEqual([]);
  await importManifest(delivery, scene);
  expect(decisionsIn(scene, delivery)).toEqual([[2, 'manifest-imported', undefined]]);
});

test.each([{}, { version: 0, decision: 'imported' }, { version: 1 }, { version: 1, decision: 1 }])(
  'an import row %j is a fault, never a first decision',
  async (row) => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf([]));
    scene.registry.seed(keyOf(delivery), row);
    await expect(importManifest(delivery, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(entriesOf(scene)).toEqual([]);
  },
);

function keyOf({ signatureVersion = '' }: Delivery) {
  return importKey(signatureVersion);
}

async function storedOf({ registry }: Scene, delivery: Delivery): Promise<unknown> {
  return (await registry.read([keyOf(delivery)]))[0];
}

function decisionsIn(scene: Scene, { signatureVersion = '' }: Delivery) {
  return entriesOf(scene)
    .filter(({ stream }) => stream === `import/${signatureVersion}`)
    .map(({ seq, leaf, detail }) => [seq, leaf.kind, detail.reason]);
}
