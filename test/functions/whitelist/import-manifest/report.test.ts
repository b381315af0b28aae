// What does the factory read about its delivery?
import { expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { makeScene, type Scene } from '../../scene.ts';
import { drop, lineOf, linesOf, manifestOf } from './deliveries.ts';

test('reports every line beside the manifest, with what became of it', async () => {
  const scene = await makeScene();
  const lines = [...(await linesOf(scene, 2)), await lineOf(scene.authority, 'P0001', 'other')];
  await importManifest(await drop(scene, manifestOf(lines)), scene);
  expect(readReport(scene)).toMatchObject({
    manifest: 'manifests/acme/lot-7.jsonl',
    signatureVersion: 'v1',
    outcome: 'imported',
    signer: scene.signer.certificate.fingerprint,
    product: 'pump',
    lot: '7',
    results: { accepted: 2, unchanged: 0, refused: 1 },
    lines: [
      { line: 2, result: 'accepted', device: 'acme-P0001' },
      { line: 3, result: 'accepted', device: 'acme-P0002' },
      { line: 4, result: 'refused', device: 'acme-P0001', refusal: { reason: 'id-taken' } },
    ],
  });
});

test('reports a refusal with its reason and no line', async () => {
  const scene = await makeScene();
  await importManifest(await drop(scene, manifestOf(await linesOf(scene, 2)), { signed: 'another file' }), scene);
  expect(readReport(scene)).toEqual({
    manifest: 'manifests/acme/lot-7.jsonl',
    signatureVersion: 'v1',
    outcome: 'refused',
    refusal: { reason: 'signature-invalid', signer: scene.signer.certificate.fingerprint },
  });
});

function readReport({ manifests }: Scene): unknown {
  return JSON.parse(manifests.text('manifests/acme/lot-7.jsonl.report.json') ?? '');
}
