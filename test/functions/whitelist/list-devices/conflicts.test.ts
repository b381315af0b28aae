// What does a line meet that is listed already? The first value stays, and no line holds up the others.
import { describe, expect, test } from 'vitest';

import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { idClaimKey, keyClaimKey, listingKey } from '../../../../shared/whitelist/listing.ts';
import type { ManifestLine } from '../../../../shared/whitelist/manifest.ts';
import { entriesOf, makeScene, ownPump, type Scene } from '../../scene.ts';
import { drop, lineOf, linesOf, manifestOf } from '../import-manifest/deliveries.ts';
import { askFor, countOf, importLines, listingsIn, wordsOf } from './whole-import.ts';

describe('of one file', () => {
  test.each<[name: string, reason: string, make: (scene: Scene) => Promise<ManifestLine>]>([
    [
      'T011 a serial number with another key than a line before',
      'id-taken',
      (scene) => lineOf(scene.authority, 'P0001', 'other'),
    ],
    ['T012 a key under a second serial number', 'key-taken', (scene) => lineOf(scene.authority, 'P9000', 'P0001')],
    [
      'T011 a certificate under a second serial number',
      'key-taken',
      async (scene) => ({ ...(await lineOf(scene.authority, 'P0001')), serial: 'P9000' }),
    ],
    [
      'T020 a serial number that differs from a line before by case alone',
      'id-taken',
      (scene) => lineOf(scene.authority, 'p0001'),
    ],
    ['the same line', 'unchanged', (scene) => lineOf(scene.authority, 'P0001')],
  ])('%s is not listed (%s), and the others are', async (_name, reason, make) => {
    const scene = await makeScene();
    const [first, ...rest] = await linesOf(scene, 3);
    if (first === undefined) throw new Error('expected a line');
    const reports = await importLines(scene, [first, await make(scene), ...rest]);
    expect(wordsOf(reports)).toEqual(['accepted', reason, 'accepted', 'accepted']);
    expect(listingsIn(scene)).toHaveLength(3);
    expect(await countOf(scene)).toBe(3);
  });

  test('the same holds far apart in the file, in another transaction', async () => {
    const scene = await makeScene();
    const lines = await linesOf(scene, 20);
    const reports = await importLines(scene, [
      ...lines,
      await lineOf(scene.authority, 'P0001', 'other'),
      await lineOf(scene.authority, 'P9000', 'P0002'),
    ]);
    expect(wordsOf(reports).slice(20)).toEqual(['id-taken', 'key-taken']);
    expect(listingsIn(scene)).toHaveLength(20);
  });
});

describe('of an earlier file', () => {
  test('T001 the same devices are unchanged: nothing is written but the import itself', async () => {
    const scene = await makeScene();
    const lines = await linesOf(scene, 20);
    await importLines(scene, lines);
    const before = { listings: listingsIn(scene), count: await countOf(scene), listed: kindCount(scene, 'listed') };
    scene.clock.advance(86_400_000);
    expect(wordsOf(await importLines(scene, lines))).toEqual(Array<string>(20).fill('unchanged'));
    const after = { listings: listingsIn(scene), count: await countOf(scene), listed: kindCount(scene, 'listed') };
    expect(after).toEqual(before);
  });

  test('T011 a serial number keeps its first key, T012 a key keeps its first serial number', async () => {
    const scene = await makeScene();
    await importLines(scene, [await lineOf(scene.authority, 'P0001')]);
    const before = listingsIn(scene);
    const reports = await importLines(scene, [
      await lineOf(scene.authority, 'P0001', 'other'),
      await lineOf(scene.authority, 'P0003', 'P0001'),
      await lineOf(scene.authority, 'P0002'),
    ]);
    expect(reports).toMatchObject([
      { result: 'refused', refusal: { reason: 'id-taken', device: 'acme-P0001', listed: before[0]?.pk } },
      { result: 'refused', refusal: { reason: 'key-taken', device: 'acme-P0003', listed: 'acme-P0001' } },
      { result: 'accepted', device: 'acme-P0002' },
    ]);
    expect(listingsIn(scene)).toEqual(expect.arrayContaining([...before]));
    expect(listingsIn(scene)).toHaveLength(2);
  });

  test('T015 another key for a device that has an owner is refused, and neither its listing nor its row changes', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene, 'P0001');
    const rowsOf = () => scene.registry.read([listingKey(pump.certificateId), deviceKey(pump.id)]);
    const before = await rowsOf();
    expect(await importLines(scene, [await lineOf(scene.authority, 'P0001', 'other')])).toMatchObject([
      { refusal: { reason: 'id-taken', device: pump.id, listed: pump.certificateId } },
    ]);
    expect(await rowsOf()).toEqual(before);
    expect(listingsIn(scene)).toHaveLength(1);
  });
});

test('T020 a serial number that differs by case from one of an earlier file is taken', async () => {
  const scene = await makeScene();
  await importLines(scene, [await lineOf(scene.authority, 'p0001')]);
  const [stored] = listingsIn(scene);
  expect(await importLines(scene, await linesOf(scene, 1))).toMatchObject([
    { refusal: { reason: 'id-taken', device: 'acme-P0001', listed: stored?.pk } },
  ]);
  expect(listingsIn(scene)).toHaveLength(1);
});

test.each([
  ['listing', (pk: string) => listingKey(pk)],
  ['id claim', () => idClaimKey('acme-P0001')],
  ['key claim', (_pk: string, key: string) => keyClaimKey(key)],
])('a malformed %s row is a fault, never a new device', async (_name, keyOf) => {
  const model = await makeScene();
  await importLines(model, await linesOf(model, 1));
  const [listing] = listingsIn(model);
  const scene = await makeScene();
  scene.registry.seed(keyOf(listing?.pk ?? '', String(listing?.row['keyFingerprint'])), {});
  const [request] = await askFor(scene, await drop(scene, manifestOf(await linesOf(scene, 1))));
  if (request === undefined) throw new Error('expected a chunk');
  await expect(listDevices(request, scene)).rejects.toMatchObject({ code: 'row-malformed' });
});

function kindCount(scene: Scene, kind: string): number {
  return entriesOf(scene).filter(({ leaf }) => leaf.kind === kind).length;
}
