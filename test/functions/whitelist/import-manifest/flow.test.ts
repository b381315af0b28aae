// Which deliveries are believed, and which leave nothing but their refusal?
import { describe, expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { importKey } from '../../../../shared/whitelist/import.ts';
import { lotKey } from '../../../../shared/whitelist/lot.ts';
import { makeSigner } from '../../../pki/certificates.ts';
import { agreeLot, entriesOf, kindsOf, makeScene, trust, type Scene } from '../../scene.ts';
import { chunksOf, resultsOf } from './chunk-lines.ts';
import { drop, lineOf, linesOf, manifestOf, SIGNED_AT, type Drop } from './deliveries.ts';

describe('a manifest in order', () => {
  test('is recorded as verified, with who signed and who delivered, and its chunks are asked for', async () => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, 2)));
    const answer = await importManifest(delivery, scene);
    expect(answer).toMatchObject({
      outcome: 'done',
      value: {
        manifestKey: 'manifests/acme/lot-7.jsonl',
        format: 'wardkey',
        manufacturer: 'acme',
        product: 'pump',
        lot: '7',
        signer: scene.signer.certificate.fingerprint,
        signedAt: SIGNED_AT,
        importedAt: scene.clock.now(),
        deliveredBy: '123456789012',
        chunks: 1,
      },
    });
    const [row] = await scene.registry.read([importKey(delivery)]);
    expect(row).toEqual({ version: 1, decision: 'verified', verified: answer.outcome === 'done' ? answer.value : {} });
    expect(entriesOf(scene)).toMatchObject([
      {
        stream: `import/${delivery.signatureKey}#${delivery.signatureVersion}`,
        seq: 1,
        leaf: { kind: 'manifest-verified' },
        detail: { actor: { kind: 'signer', signer: scene.signer.certificate.fingerprint }, inputs: { chunks: 1 } },
      },
    ]);
    expect(scene.chunks.requested).toHaveLength(1);
    expect(await resultsOf(scene)).toEqual(['listing', 'listing']);
  });

  test('lists nothing by itself: that is the next step', async () => {
    const scene = await makeScene();
    await importManifest(await drop(scene, manifestOf(await linesOf(scene, 2))), scene);
    expect(scene.registry.rows('whitelist').map(({ pk }) => pk.split('#')[0])).toEqual(['import']);
    expect(scene.registry.rows('devices')).toEqual([]);
  });

  test('says of each line where it came from', async () => {
    const scene = await makeScene();
    const answer = await importManifest(await drop(scene, manifestOf(await linesOf(scene, 2))), scene);
    const manifest = answer.outcome === 'done' ? answer.value.manifest : '';
    const common = { manifest, signer: scene.signer.certificate.fingerprint, signedAt: SIGNED_AT };
    const lines = await chunksOf(scene);
    expect(manifest).toMatch(/^[0-9a-f]{64}$/);
    expect(lines.map(({ verdict }) => 'listing' in verdict && verdict.listing.provenance)).toEqual([
      { ...common, importedAt: scene.clock.now(), line: 2 },
      { ...common, importedAt: scene.clock.now(), line: 3 },
    ]);
  });

  test.each<[name: string, change: (manifest: string) => string]>([
    ['end its lines with CR LF, which is white space to JSON', (manifest) => manifest.replaceAll('\n', '\r\n')],
    ['lack the end of its last line', (manifest) => manifest.trimEnd()],
  ])('may %s', async (_name, change) => {
    const scene = await makeScene();
    const manifest = change(manifestOf(await linesOf(scene, 2)));
    await importManifest(await drop(scene, manifest), scene);
    expect(await resultsOf(scene)).toEqual(['listing', 'listing']);
  });

  test('is read in the version that was verified, also when it is replaced meanwhile', async () => {
    const scene = await makeScene();
    const lines = await linesOf(scene, 4);
    const delivery = await drop(scene, manifestOf(lines.slice(0, 2)));
    const findNewest = scene.manifests.findNewest.bind(scene.manifests);
    scene.manifests.findNewest = async (key) => {
      const newest = await findNewest(key);
      scene.manifests.put(key, manifestOf(lines.slice(2)));
      return newest;
    };
    await importManifest(delivery, scene);
    scene.manifests.findNewest = findNewest;
    const serials = (await chunksOf(scene)).map(({ verdict }) => 'listing' in verdict && verdict.listing.serial);
    expect(serials).toEqual(['P0001', 'P0002']);
  });

  test('is read in the version that was verified when its event comes again: a newer manifest undoes no verdict', async () => {
    const scene = await makeScene();
    const lines = await linesOf(scene, 4);
    const delivery = await drop(scene, manifestOf(lines.slice(0, 2)));
    const first = await importManifest(delivery, scene);
    expect(first).toMatchObject({ value: { manifestVersion: 'v1' } });
    const rows = scene.registry.rows('whitelist');
    scene.manifests.put(delivery.manifestKey, manifestOf(lines.slice(2)));
    scene.clock.advance(1000);
    expect(await importManifest(delivery, scene)).toEqual(first);
    expect(scene.registry.rows('whitelist')).toEqual(rows);
    expect(scene.chunks.requested).toHaveLength(2);
    expect(scene.chunks.requested[1]).toEqual(scene.chunks.requested[0]);
    expect(kindsOf(scene, `import/${delivery.signatureKey}#${delivery.signatureVersion}`)).toEqual([
      'manifest-verified',
    ]);
  });

  test('is verified by the signature version that was reported, also when a newer one was dropped', async () => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, 1)));
    scene.manifests.put(delivery.signatureKey, 'not a signature');
    expect((await importManifest(delivery, scene)).outcome).toBe('done');
  });

  test('is verified by the newest signature when no version was reported, and decided under it', async () => {
    const scene = await makeScene();
    const { signatureVersion, ...delivery } = await drop(scene, manifestOf(await linesOf(scene, 1)));
    expect((await importManifest(delivery, scene)).outcome).toBe('done');
    expect(scene.chunks.requested).toMatchObject([{ signatureVersion }]);
  });
});

type Make = (scene: Scene, good: string) => Promise<[manifest: string, wishes: Drop]>;

describe('a manifest that is not in order asks for nothing', () => {
  test.each<[name: string, reason: string, make: Make]>([
    ['whose signature is of another file', 'signature-invalid', (_scene, good) => answer(good, { signed: `${good} ` })],
    [
      'signed by somebody with the same name',
      'signer-unknown',
      async (_scene, good) => [good, { signer: await makeSigner('Acme Manifest Signer', { key: 'forger' }) }],
    ],
    ['signed by the authority', 'signer-unknown', (scene, good) => answer(good, { signer: scene.authority })],
    [
      'signed by a voucher key',
      'signer-unknown',
      async (scene, good) => {
        const signer = await makeSigner('Acme Voucher Key');
        trust(scene, signer, 'voucher');
        return [good, { signer }];
      },
    ],
    [
      "signed by another maker's signer",
      'signer-unknown',
      async (scene, good) => {
        const signer = await makeSigner('Bravo Signer');
        trust(scene, signer, 'signer', 'bravo');
        return [good, { signer }];
      },
    ],
    ['signed after now', 'signed-in-future', (_scene, good) => answer(good, { signedAt: '2026-11-24T12:00:01.000Z' })],
    [
      'signed before its signer was valid',
      'signer-not-valid',
      (_scene, good) => answer(good, { signedAt: '2025-12-31T23:59:59.000Z' }),
    ],
    ["in another maker's folder", 'signer-unknown', (_scene, good) => answer(good, { folder: 'bravo' })],
    [
      'that names another maker',
      'manufacturer-differs',
      async (scene) => [manifestOf(await linesOf(scene, 2), { manufacturer: 'bravo' }), {}],
    ],
    [
      'T014 of a lot that was not agreed',
      'lot-unknown',
      async (scene) => [manifestOf(await linesOf(scene, 2), { lot: '8' }), {}],
    ],
    [
      'T014 of a lot that was agreed with another maker',
      'lot-unknown',
      async (scene) => {
        agreeLot(scene, { manufacturer: 'bravo', lot: '8' });
        return [manifestOf(await linesOf(scene, 2), { lot: '8' }), {}];
      },
    ],
    [
      'T013 of another product than its lot',
      'product-differs',
      async (scene) => [manifestOf(await linesOf(scene, 2), { product: 'monitor' }), {}],
    ],
    [
      'with a device more than its header says',
      'count-differs',
      async (scene, good) => [good + JSON.stringify(await lineOf(scene.authority, 'P0003')), {}],
    ],
    [
      'with a device fewer than its header says',
      'count-differs',
      (_scene, good) => answer(good.split('\n').slice(0, 2).join('\n'), {}),
    ],
    ['without a header', 'manifest-malformed', (_scene, good) => answer(good.split('\n').slice(1).join('\n'), {})],
    ['that is empty', 'manifest-malformed', () => answer('', {})],
    ['that begins with a byte order mark', 'manifest-malformed', (_scene, good) => answer(`\uFEFF${good}`, {})],
    ['of another format', 'manifest-malformed', (_scene, good) => answer(good.replace('manifest/1', 'manifest/2'), {})],
    [
      'with an unknown member in its header',
      'manifest-malformed',
      (_scene, good) => answer(good.replace('"lot"', '"owner":"me","lot"'), {}),
    ],
    [
      'T018 that names its lot twice',
      'manifest-malformed',
      (_scene, good) => answer(good.replace('"lot"', '"lot":"8","lot"'), {}),
    ],
    [
      'T019 whose header is cut off at 64 KiB: what is missing may be what makes it invalid',
      'manifest-malformed',
      (_scene, good) => answer(good.replace('\n', `${' '.repeat(64 * 1024)}nonsense\n`), {}),
    ],
  ])('%s (%s)', async (_name, reason, make) => {
    const scene = await makeScene();
    const [manifest, wishes] = await make(scene, manifestOf(await linesOf(scene, 2)));
    const delivery = await drop(scene, manifest, wishes);
    expect(await importManifest(delivery, scene)).toMatchObject({ outcome: 'refused', refusal: { reason } });
    expectNothingAsked(scene, delivery.manifestKey, reason);
  });

  test('that is not there (manifest-absent)', async () => {
    const scene = await makeScene();
    const good = await drop(scene, manifestOf([]));
    const manifestKey = 'manifests/acme/other.jsonl';
    expect(await importManifest({ ...good, manifestKey }, scene)).toMatchObject({
      refusal: { reason: 'manifest-absent', key: manifestKey },
    });
    expectNothingAsked(scene, manifestKey, 'manifest-absent');
  });

  test('whose signature is not there (manifest-absent)', async () => {
    const scene = await makeScene();
    const { signatureVersion: _told, ...good } = await drop(scene, manifestOf([]));
    const signatureKey = 'manifests/acme/other.jsonl.jws';
    expect(await importManifest({ ...good, signatureKey }, scene)).toMatchObject({
      refusal: { reason: 'manifest-absent', key: signatureKey },
    });
    expectNothingAsked(scene, good.manifestKey, 'manifest-absent');
  });

  test.each([
    ['of 9 KiB, most of it white space', (jws: string) => jws + ' '.repeat(9 * 1024)],
    ['that is empty', () => ''],
    ['that is no JWS', () => 'signature'],
  ])('with a signature %s (signature-malformed)', async (_name, change) => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, 1)));
    const key = delivery.signatureKey;
    const { versionId } = scene.manifests.put(key, change(scene.manifests.text(key) ?? ''));
    expect(await importManifest({ ...delivery, signatureVersion: versionId }, scene)).toMatchObject({
      refusal: { reason: 'signature-malformed' },
    });
    expectNothingAsked(scene, delivery.manifestKey, 'signature-malformed');
  });

  test('with a lot row that cannot be read: a fault, never a lot without terms', async () => {
    const scene = await makeScene();
    scene.registry.seed(lotKey('acme', '7'), { version: 1, lot: '7' });
    const delivery = await drop(scene, manifestOf([]));
    await expect(importManifest(delivery, scene)).rejects.toMatchObject({ code: 'row-malformed' });
  });
});

function answer(manifest: string, wishes: Drop): Promise<[string, Drop]> {
  return Promise.resolve([manifest, wishes]);
}

/** No chunk asked for, exactly one row and one entry with the reason, and a report that says so. */
function expectNothingAsked(scene: Scene, manifestKey: string, reason: string): void {
  expect(scene.chunks.calls).toEqual([]);
  expect(scene.registry.rows('whitelist').map(({ row }) => row)).toEqual([{ version: 1, decision: reason }]);
  expect(entriesOf(scene).map(({ leaf, detail }) => [leaf.kind, detail.reason])).toEqual([
    ['manifest-refused', reason],
  ]);
  const report = scene.manifests.text(`${manifestKey}.report`)?.split('\n') ?? [];
  expect(report.map((line) => (line === '' ? '' : (JSON.parse(line) as unknown)))).toMatchObject([
    { manifest: manifestKey, outcome: 'refused', refusal: { reason } },
    '',
  ]);
}
