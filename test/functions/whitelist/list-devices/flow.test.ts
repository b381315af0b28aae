// Is only what was verified listed, and is the report what became of it?
import { hash } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import { certificateKey } from '../../../../shared/whitelist/certificate-row.ts';
import { writeChunk } from '../../../../shared/whitelist/chunk.ts';
import { chunkKey, chunkObject, importKey, resultObject } from '../../../../shared/whitelist/import.ts';
import { idClaimKey, keyClaimKey } from '../../../../shared/whitelist/listing.ts';
import { lotKey } from '../../../../shared/whitelist/lot.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { entriesOf, gapsIn, kindsOf, makeScene, trust, type Scene } from '../../scene.ts';
import { drop, lineOf, linesOf, manifestOf, SIGNED_AT } from '../import-manifest/deliveries.ts';
import { askFor, countOf, importAll, importLines, listingsIn, reportIn, wordsOf } from './whole-import.ts';

describe('a verified chunk', () => {
  test.each([0, 1, 15, 16, 17, 33])('of %i devices is listed whole, each with its entry', async (count) => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, count)));
    await importAll(scene, delivery);
    expect(wordsOf(reportIn(scene).lines)).toEqual(Array<string>(count).fill('accepted'));
    expect(listingsIn(scene)).toHaveLength(count);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'listed')).toHaveLength(count);
    const stream = `import/${delivery.signatureKey}#${delivery.signatureVersion}`;
    expect(kindsOf(scene, stream)).toEqual(['manifest-verified', 'manifest-imported']);
    expect(gapsIn(scene)).toEqual([]);
    expect(await countOf(scene)).toBe(count === 0 ? undefined : count);
  });

  test('gives each device its listing, its id and its key in one transaction, and asks the broker for nothing', async () => {
    const scene = await makeScene();
    await importLines(scene, await linesOf(scene, 1));
    const [stored] = listingsIn(scene);
    expect(stored?.row).toMatchObject({ device: 'acme-P0001', path: 'jitr', lot: '7', product: 'pump', version: 1 });
    expect(stored?.row).not.toHaveProperty('held');
    const keyFingerprint = String(stored?.row['keyFingerprint']);
    expect(await scene.registry.read([idClaimKey('acme-P0001'), keyClaimKey(keyFingerprint)])).toEqual([
      { version: 1, fingerprint: stored?.pk },
      { version: 1, device: 'acme-P0001' },
    ]);
    // Listing, id, key, entry and the count of the lot.
    expect(scene.registry.committed.map(({ length }) => length)).toEqual([2, 5, 1, 2]);
    expect(scene.alignments.calls).toEqual([]);
  });

  test('of a device under a root also makes its certificate known: a row that waits, its entry and a request', async () => {
    const scene = await makeScene();
    const root = await makeAuthority('Acme Chip Root');
    trust(scene, root, 'root');
    await importLines(scene, [await lineOf(root, 'C0001')]);
    const [stored] = listingsIn(scene);
    const certificateId = stored?.pk ?? '';
    expect(stored?.row).toMatchObject({ path: 'registered', certificate: expect.any(String) as unknown });
    expect(await scene.registry.read([certificateKey(certificateId)])).toEqual([
      { version: 1, certificateId, wanted: 'known', brokerPending: scene.clock.now() },
    ]);
    expect(kindsOf(scene, `certificate/${certificateId}`)).toEqual(['alignment-requested']);
    expect(scene.alignments.requestedCertificates).toEqual([certificateId]);
    expect(scene.registry.committed.map(({ length }) => length)).toEqual([2, 7, 1, 2]);
  });

  test('of sixteen such devices fits into one transaction', async () => {
    const scene = await makeScene();
    const root = await makeAuthority('Acme Chip Root');
    trust(scene, root, 'root');
    await importLines(
      scene,
      await Promise.all(Array.from({ length: 16 }, (_none, index) => lineOf(root, `C${1000 + index}`))),
    );
    expect(scene.registry.committed.map(({ length }) => length)).toEqual([2, 16 * 6 + 1, 1, 2]);
  });
});

describe('nothing is listed', () => {
  test('of a chunk of a file that was never seen', async () => {
    const { scene, request } = await askedScene();
    await expect(listDevices({ ...request, signatureVersion: 'v9' }, scene)).rejects.toMatchObject({
      code: 'row-malformed',
    });
    expect(listingsIn(scene)).toEqual([]);
  });

  test('of a chunk of a file that was refused', async () => {
    const { scene, request } = await askedScene();
    scene.registry.seed(importKey(request), { version: 2, decision: 'signature-invalid' });
    await expect(listDevices(request, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(listingsIn(scene)).toEqual([]);
  });

  test.each<[name: string, change: (text: string) => string]>([
    ['a line more', (text) => text + text],
    ['another serial number', (text) => text.replaceAll('P0001', 'P6666')],
    ['a blank at its end', (text) => `${text} `],
    ['nothing in it', () => ''],
  ])('of a chunk with %s than was verified, whoever wrote it', async (_name, change) => {
    const { scene, request } = await askedScene();
    const object = chunkObject(request, request);
    scene.manifests.put(object, change(scene.manifests.text(object) ?? ''));
    await expect(listDevices(request, scene)).rejects.toMatchObject({ code: 'answer-malformed' });
    expect(listingsIn(scene)).toEqual([]);
    expect(await scene.registry.read([chunkKey(request, request.chunk)])).toEqual([undefined]);
  });

  test('is closed while the result of a chunk is gone: a fault, and neither report nor entry', async () => {
    const scene = await makeScene();
    const unreadable = Array.from({ length: 501 }, (_none, index) => ({ serial: `X${index}`, certificate: 'AAAA' }));
    const [first, last] = await askFor(scene, await drop(scene, manifestOf(unreadable)));
    if (first === undefined || last === undefined) throw new Error('expected two chunks');
    await listDevices(first, scene);
    const findNewest = scene.manifests.findNewest.bind(scene.manifests);
    scene.manifests.findNewest = (key) =>
      key === resultObject(first, 1) ? Promise.resolve(undefined) : findNewest(key);
    await expect(listDevices(last, scene)).rejects.toMatchObject({ code: 'answer-malformed' });
    expect(scene.manifests.keys.filter((key) => key.endsWith('.report'))).toEqual([]);
    const stream = `import/${first.signatureKey}#${first.signatureVersion}`;
    expect(kindsOf(scene, stream)).toEqual(['manifest-verified']);
    scene.manifests.findNewest = findNewest;
    expect(await listDevices(last, scene)).toMatchObject({ value: { closed: true } });
    expect(reportIn(scene).lines).toHaveLength(501);
  });

  test('of a chunk whose object is gone', async () => {
    const { scene, request } = await askedScene();
    await expect(listDevices({ ...request, chunk: 2 }, scene)).rejects.toMatchObject({ code: 'answer-malformed' });
  });

  test.each([undefined, { version: 1 }])('when the lot row of a verified manifest is %j', async (row) => {
    const { scene, request } = await askedScene();
    const rest = scene.registry.rows('whitelist');
    const bare = await makeScene();
    for (const { row: stored, ...key } of rest) bare.registry.seed(key, stored);
    const registry = row === undefined ? without(bare, lotKey('acme', '7').sk) : scene.registry;
    if (row !== undefined) scene.registry.seed(lotKey('acme', '7'), row);
    await expect(listDevices(request, { ...scene, registry })).rejects.toMatchObject({ code: 'row-malformed' });
  });

  test.each([
    ['a chunk that holds no JSON', 'nonsense\n'],
    ['a chunk with a listing without a path', '{"line":2,"listing":{"version":1}}\n'],
    ['a chunk with neither listing nor refusal', '{"line":2}\n'],
  ])('of %s: a fault, never an empty line', async (_name, text) => {
    const { scene, request } = await askedScene();
    const asked = { ...request, digest: hash('sha256', text) };
    scene.manifests.put(chunkObject(asked, asked), text);
    await expect(listDevices(asked, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(listingsIn(scene)).toEqual([]);
  });
});

describe('the report', () => {
  test('begins with the totals and then tells every line, refused ones with their reason', async () => {
    const scene = await makeScene();
    const [first, second] = await linesOf(scene, 2);
    if (first === undefined || second === undefined) throw new Error('expected two lines');
    const lines = [first, { serial: 'P9000', certificate: 'AAAA' }, second, first];
    const delivery = await drop(scene, manifestOf(lines));
    await importAll(scene, delivery);
    const { head, lines: told } = reportIn(scene);
    expect(head).toEqual({
      manifest: delivery.manifestKey,
      manifestVersion: 'v1',
      signatureVersion: delivery.signatureVersion,
      outcome: 'imported',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      format: 'wardkey',
      manufacturer: 'acme',
      product: 'pump',
      lot: '7',
      signer: scene.signer.certificate.fingerprint,
      signedAt: SIGNED_AT,
      importedAt: scene.clock.now(),
      deliveredBy: '123456789012',
      results: { accepted: 2, held: 0, waiting: 0, unchanged: 1, refused: 1 },
    });
    expect(told).toMatchObject([
      { line: 2, result: 'accepted', device: 'acme-P0001' },
      { line: 3, result: 'refused', refusal: { reason: 'certificate-malformed' } },
      { line: 4, result: 'accepted', device: 'acme-P0002' },
      { line: 5, result: 'unchanged', device: 'acme-P0001' },
    ]);
  });

  test('says in the ledger how many, and who signed and delivered', async () => {
    const scene = await makeScene();
    await importLines(scene, await linesOf(scene, 3));
    const closing = entriesOf(scene).find(({ leaf }) => leaf.kind === 'manifest-imported');
    expect(closing).toMatchObject({
      seq: 2,
      detail: {
        actor: { kind: 'signer', signer: scene.signer.certificate.fingerprint, deliveredBy: '123456789012' },
        inputs: { results: { accepted: 3, held: 0, waiting: 0, unchanged: 0, refused: 0 } },
      },
    });
  });

  test('waits for the last chunk, whichever that is, and keeps the order of the lines', async () => {
    const scene = await makeScene();
    const unreadable = Array.from({ length: 999 }, (_none, index) => ({ serial: `X${index}`, certificate: 'AAAA' }));
    const manifest = manifestOf([...unreadable, ...(await linesOf(scene, 2))]);
    const requests = await askFor(scene, await drop(scene, manifest));
    expect(requests).toHaveLength(3);
    const closed: boolean[] = [];
    for (const request of requests.toReversed()) {
      expect(reportIn(scene).lines).toEqual([]);
      const answer = await listDevices(request, scene);
      closed.push(answer.outcome === 'done' && answer.value.closed);
    }
    expect(closed).toEqual([false, false, true]);
    expect(reportIn(scene).lines.map(({ line }) => line)).toEqual(Array.from({ length: 1001 }, (_n, at) => at + 2));
    expect(reportIn(scene).head).toMatchObject({ results: { accepted: 2, refused: 999 } });
  });
});

test('another run that cuts other bytes takes no chunk away from who was asked for it', async () => {
  const scene = await makeScene();
  const later = await makeAuthority('Acme Second Root');
  const delivery = await drop(scene, manifestOf([...(await linesOf(scene, 1)), await lineOf(later, 'L0001')]));
  const [first] = await askFor(scene, delivery);
  trust(scene, later, 'authority');
  const [second] = await askFor(scene, delivery);
  if (first === undefined || second === undefined) throw new Error('expected two requests');
  expect(second).toMatchObject({ chunk: first.chunk });
  expect(second.digest).not.toBe(first.digest);
  expect(await listDevices(first, scene)).toMatchObject({ value: { closed: true, counts: { accepted: 1 } } });
  expect(await listDevices(second, scene)).toMatchObject({ value: { counts: { accepted: 1, refused: 1 } } });
});

test('a chunk is written as it is read', async () => {
  const { scene, request } = await askedScene();
  const { parseChunk } = await import('../../../../shared/whitelist/chunk.ts');
  const text = scene.manifests.text(chunkObject(request, request)) ?? '';
  expect(writeChunk(parseChunk(text))).toBe(text);
});

async function askedScene() {
  const scene = await makeScene();
  const [request] = await askFor(scene, await drop(scene, manifestOf(await linesOf(scene, 1))));
  if (request === undefined) throw new Error('expected a chunk');
  return { scene, request };
}

/** The registry, as if no row had this sort key. */
function without({ registry }: Scene, hidden: string): Scene['registry'] {
  const read = registry.read.bind(registry);
  registry.read = async (keys) => {
    const rows = await read(keys);
    return rows.map((row, index) => (keys[index]?.sk === hidden ? undefined : row));
  };
  return registry;
}
