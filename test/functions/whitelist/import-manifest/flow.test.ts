// Which manifests become whitelist rows, and which leave nothing but their refusal?
import { describe, expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { anchorKey, anchorRow } from '../../../../shared/identity/anchor.ts';
import { anchorOf, makeAuthority, makeSigner } from '../../../pki/certificates.ts';
import { entriesOf, gapsIn, kindsOf, makeScene, ownPump, type Scene } from '../../scene.ts';
import { drop, lineOf, linesOf, manifestOf, type Drop } from './deliveries.ts';

describe('a manifest in order', () => {
  test.each([0, 1, 24, 25, 26, 60])('of %i devices is listed whole, each with its entry', async (count) => {
    const scene = await makeScene();
    const answer = await importManifest(await drop(scene, manifestOf(await linesOf(scene, count))), scene);
    expect(resultsOf(answer)).toEqual(Array<string>(count).fill('accepted'));
    expect(listingsIn(scene)).toHaveLength(count);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'listed')).toHaveLength(count);
    expect(kindsOf(scene, 'import/v1')).toEqual(['manifest-imported']);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('T001 imported again lists nothing anew and makes no second entry', async () => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, 30)));
    await importManifest(delivery, scene);
    const before = { rows: scene.registry.rows('whitelist'), entries: entriesOf(scene).length };
    expect(resultsOf(await importManifest(delivery, scene))).toEqual(Array<string>(30).fill('unchanged'));
    expect({ rows: scene.registry.rows('whitelist'), entries: entriesOf(scene).length }).toEqual(before);
  });

  test('remembers where each row came from', async () => {
    const scene = await makeScene();
    const answer = await importManifest(await drop(scene, manifestOf(await linesOf(scene, 2))), scene);
    const digest = answer.outcome === 'done' ? answer.value.manifest.digest : '';
    const provenance = listingsIn(scene).map(({ row }) => row['provenance']);
    const common = {
      manifest: digest,
      signer: scene.signer.certificate.fingerprint,
      signedAt: '2026-11-24T08:00:00.000Z',
    };
    expect(provenance).toHaveLength(2);
    expect(provenance).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...common, line: 2 }),
        expect.objectContaining({ ...common, line: 3 }),
      ]),
    );
  });

  test('may end its lines with CR LF, which is white space to JSON', async () => {
    const scene = await makeScene();
    const manifest = manifestOf(await linesOf(scene, 3)).replaceAll('\n', '\r\n');
    expect(resultsOf(await importManifest(await drop(scene, manifest), scene))).toEqual([
      'accepted',
      'accepted',
      'accepted',
    ]);
  });

  test('may lack the end of its last line', async () => {
    const scene = await makeScene();
    const manifest = manifestOf(await linesOf(scene, 2)).trimEnd();
    expect(resultsOf(await importManifest(await drop(scene, manifest), scene))).toEqual(['accepted', 'accepted']);
  });

  test('is read in the version that was verified, also when it is replaced meanwhile', async () => {
    const scene = await makeScene();
    const lines = await linesOf(scene, 4);
    const delivery = await drop(scene, manifestOf(lines.slice(0, 2)));
    const manifests = {
      read: scene.manifests.read.bind(scene.manifests),
      writeReport: scene.manifests.writeReport.bind(scene.manifests),
      findNewest: async (key: string) => {
        const newest = await scene.manifests.findNewest(key);
        scene.manifests.put(key, manifestOf(lines.slice(2)));
        return newest;
      },
    };
    await importManifest(delivery, { ...scene, manifests });
    expect(
      listingsIn(scene)
        .map(({ row }) => row['serial'])
        .sort(),
    ).toEqual(['P0001', 'P0002']);
  });

  test('is verified by the signature version that was reported, also when a newer one was dropped', async () => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, 1)));
    scene.manifests.put(delivery.signatureKey, 'not a signature');
    expect(resultsOf(await importManifest(delivery, scene))).toEqual(['accepted']);
  });

  test('is verified by the newest signature when no version was reported', async () => {
    const scene = await makeScene();
    const { signatureKey, manifestKey, manufacturer, deliveredBy } = await drop(
      scene,
      manifestOf(await linesOf(scene, 1)),
    );
    const delivery = { signatureKey, manifestKey, manufacturer, deliveredBy };
    expect(resultsOf(await importManifest(delivery, scene))).toEqual(['accepted']);
    expect(kindsOf(scene, 'import/v1')).toEqual(['manifest-imported']);
  });
});

describe('a manifest that is not in order lists nothing', () => {
  test.each<
    [name: string, reason: string, make: (scene: Scene, good: string) => Promise<[manifest: string, wishes: Drop]>]
  >([
    ['whose signature is of another file', 'signature-invalid', (_scene, good) => answer(good, { signed: `${good} ` })],
    [
      'signed by somebody with the same name',
      'signer-unknown',
      async (_scene, good) => [good, { signer: await makeSigner('Acme Manifest Signer', { key: 'forger' }) }],
    ],
    ['signed by the authority', 'signer-unknown', (scene, good) => answer(good, { signer: scene.authority })],
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
      async (scene) => [manifestOf(await linesOf(scene, 2), 'bravo'), {}],
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
      'T019 whose header is cut off at 64 KiB: what is missing may be what makes it invalid',
      'manifest-malformed',
      (_scene, good) => answer(good.replace('\n', `${' '.repeat(64 * 1024)}nonsense\n`), {}),
    ],
  ])('%s (%s)', async (_name, reason, make) => {
    const scene = await makeScene();
    const [manifest, wishes] = await make(scene, manifestOf(await linesOf(scene, 2)));
    const delivery = await drop(scene, manifest, wishes);
    expect(await importManifest(delivery, scene)).toMatchObject({ outcome: 'refused', refusal: { reason } });
    await expectNothingListed(scene, delivery.manifestKey, reason);
  });

  test('that is not there (manifest-absent)', async () => {
    const scene = await makeScene();
    const delivery = { ...(await drop(scene, manifestOf([]))), manifestKey: 'manifests/acme/other.jsonl' };
    expect(await importManifest(delivery, scene)).toMatchObject({ refusal: { reason: 'manifest-absent' } });
    await expectNothingListed(scene, delivery.manifestKey, 'manifest-absent');
  });

  test('whose signature is not there (manifest-absent)', async () => {
    const scene = await makeScene();
    const { manifestKey, manufacturer, deliveredBy } = await drop(scene, manifestOf([]));
    const delivery = { signatureKey: 'manifests/acme/other.jws', manifestKey, manufacturer, deliveredBy };
    expect(await importManifest(delivery, scene)).toMatchObject({ refusal: { reason: 'manifest-absent' } });
    await expectNothingListed(scene, manifestKey, 'manifest-absent');
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
    expect(listingsIn(scene)).toEqual([]);
  });
});

describe('a line that is refused does not hold up the others:', () => {
  test.each<[name: string, reason: string, make: (scene: Scene) => Promise<object>]>([
    [
      'T020 a serial number with a full-width digit',
      'id-malformed',
      async (scene) => ({ ...(await lineOf(scene.authority, 'P9000')), serial: 'P900０' }),
    ],
    [
      'a certificate that cannot be read',
      'certificate-malformed',
      () => Promise.resolve({ serial: 'P9000', certificate: 'AAAA' }),
    ],
    [
      'an unknown member',
      'manifest-malformed',
      async (scene) => ({ ...(await lineOf(scene.authority, 'P9000')), owner: 'me' }),
    ],
    [
      "T013 a certificate of another maker's authority",
      'issuer-unknown',
      async () => lineOf(await makeAuthority('Bravo Root'), 'P9000'),
    ],
    [
      'T011 a serial number of the same file with another key',
      'id-taken',
      (scene) => lineOf(scene.authority, 'P0001', 'other'),
    ],
    [
      'a certificate of the same file under another serial number',
      'listing-conflict',
      async (scene) => ({ ...(await lineOf(scene.authority, 'P0001')), serial: 'P9000' }),
    ],
  ])('%s (%s)', async (_name, reason, make) => {
    const scene = await makeScene();
    const [first, ...rest] = await linesOf(scene, 3);
    if (first === undefined) throw new Error('expected a line');
    const lines = [first, (await make(scene)) as typeof first, ...rest];
    const answer = await importManifest(await drop(scene, manifestOf(lines)), scene);
    expect(resultsOf(answer)).toEqual(['accepted', 'refused', 'accepted', 'accepted']);
    expect(answer).toMatchObject({
      value: { lines: [{ line: 2 }, { line: 3, refusal: { reason } }, { line: 4 }, { line: 5 }] },
    });
    expect(listingsIn(scene)).toHaveLength(3);
  });

  test('T019 a line that is cut off at 64 KiB: what is missing may be what makes it invalid', async () => {
    const scene = await makeScene();
    const lines = manifestOf(await linesOf(scene, 3)).split('\n');
    const manifest = lines.with(2, `${lines[2] ?? ''}${' '.repeat(64 * 1024)}nonsense`).join('\n');
    const answer = await importManifest(await drop(scene, manifest), scene);
    expect(resultsOf(answer)).toEqual(['accepted', 'refused', 'accepted']);
    expect(answer).toMatchObject({
      value: { lines: [{}, { line: 3, refusal: { reason: 'manifest-malformed', line: 3 } }, {}] },
    });
  });

  test('the same line twice is unchanged the second time', async () => {
    const scene = await makeScene();
    const [line] = await linesOf(scene, 1);
    if (line === undefined) throw new Error('expected a line');
    const answer = await importManifest(await drop(scene, manifestOf([line, line])), scene);
    expect(resultsOf(answer)).toEqual(['accepted', 'unchanged']);
  });

  test('T011 a serial number known from an earlier manifest keeps its first key', async () => {
    const scene = await makeScene();
    await importManifest(await drop(scene, manifestOf([await lineOf(scene.authority, 'P0001')])), scene);
    const before = listingsIn(scene);
    const second = manifestOf([
      await lineOf(scene.authority, 'P0001', 'other'),
      await lineOf(scene.authority, 'P0002'),
    ]);
    const answer = await importManifest(await drop(scene, second), scene);
    expect(answer).toMatchObject({
      value: { lines: [{ refusal: { reason: 'id-taken', device: 'acme-P0001' } }, { result: 'accepted' }] },
    });
    expect(listingsIn(scene)).toEqual(expect.arrayContaining([...before]));
    expect(listingsIn(scene)).toHaveLength(2);
  });

  test('T015 another key for a device that has an owner is refused, and neither its listing nor its row changes', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene, 'P0001');
    const before = { listed: listingsIn(scene), devices: scene.registry.rows('devices') };
    const line = await lineOf(scene.authority, 'P0001', 'other');
    expect(await importManifest(await drop(scene, manifestOf([line])), scene)).toMatchObject({
      value: { lines: [{ refusal: { reason: 'id-taken', device: pump.id, listed: pump.certificateId } }] },
    });
    expect({ listed: listingsIn(scene), devices: scene.registry.rows('devices') }).toEqual(before);
  });

  test('a certificate under an authority of another maker is refused although we trust that authority', async () => {
    const scene = await makeScene();
    const bravo = await makeAuthority('Bravo Root');
    scene.registry.seed(
      anchorKey('bravo', 'authority', bravo.certificate.fingerprint),
      anchorRow(anchorOf(bravo, 'authority', 'bravo')),
    );
    const answer = await importManifest(await drop(scene, manifestOf([await lineOf(bravo, 'P0001')])), scene);
    expect(answer).toMatchObject({ value: { lines: [{ refusal: { reason: 'issuer-unknown' } }] } });
  });

  test('a certificate issued by a signer is refused: who may vouch for keys may not issue', async () => {
    const scene = await makeScene();
    const signer = await makeAuthority('Acme Signing CA');
    const key = anchorKey('acme', 'signer', signer.certificate.fingerprint);
    scene.registry.seed(key, anchorRow(anchorOf(signer, 'signer')));
    const answer = await importManifest(await drop(scene, manifestOf([await lineOf(signer, 'P0001')])), scene);
    expect(answer).toMatchObject({ value: { lines: [{ refusal: { reason: 'issuer-unknown' } }] } });
  });
});

function answer(manifest: string, wishes: Drop): Promise<[string, Drop]> {
  return Promise.resolve([manifest, wishes]);
}

type Answer = Awaited<ReturnType<typeof importManifest>>;

function resultsOf(answer: Answer): readonly string[] {
  return answer.outcome === 'done' ? answer.value.lines.map(({ result }) => result) : [answer.refusal.reason];
}

function listingsIn({ registry }: Scene) {
  return registry.rows('whitelist').filter(({ pk }) => !/^(id|import)#/.test(pk));
}

/** Nothing listed, exactly one entry with the reason, and a report that says so. */
async function expectNothingListed(scene: Scene, manifestKey: string, reason: string): Promise<void> {
  expect(scene.registry.rows('whitelist').map(({ row }) => row)).toEqual([{ version: 1, decision: reason }]);
  expect(entriesOf(scene).map(({ leaf, detail }) => [leaf.kind, detail.reason])).toEqual([
    ['manifest-refused', reason],
  ]);
  const report: unknown = JSON.parse(scene.manifests.text(`${manifestKey}.report.json`) ?? '');
  expect(report).toMatchObject({ outcome: 'refused', refusal: { reason } });
  await Promise.resolve();
}
