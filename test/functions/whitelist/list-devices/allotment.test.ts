// Does a lot ever hold more devices than were agreed, and what becomes of the others?
import { describe, expect, test } from 'vitest';

import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import { lotCountKey } from '../../../../shared/whitelist/lot.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { agreeLot, entriesOf, gapsIn, makeScene, trust, type Scene } from '../../scene.ts';
import { drop, lineOf, linesOf, manifestOf } from '../import-manifest/deliveries.ts';
import { askFor, countOf, importLines, listingsIn, wordsOf } from './whole-import.ts';

describe('T014 the surplus of a lot', () => {
  test.each([
    [3, 3],
    [3, 4],
    [16, 20],
    [17, 40],
    [0, 2],
  ])('of %i agreed and %i delivered is held, each with its entry', async (count, delivered) => {
    const scene = await makeScene();
    agreeLot(scene, { count });
    const words = wordsOf(await importLines(scene, await linesOf(scene, delivered)));
    const surplus = delivered - count;
    expect(words).toEqual([...Array<string>(count).fill('accepted'), ...Array<string>(surplus).fill('held')]);
    expect(heldIn(scene)).toHaveLength(surplus);
    expect(listingsIn(scene)).toHaveLength(delivered);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'held')).toHaveLength(surplus);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'listed')).toHaveLength(count);
    expect(gapsIn(scene)).toEqual([]);
    expect((await countOf(scene)) ?? 0).toBe(count);
  });

  test('is what comes later, also in another file', async () => {
    const scene = await makeScene();
    agreeLot(scene, { count: 3 });
    const lines = await linesOf(scene, 5);
    expect(wordsOf(await importLines(scene, lines.slice(0, 2)))).toEqual(['accepted', 'accepted']);
    expect(wordsOf(await importLines(scene, lines))).toEqual(['unchanged', 'unchanged', 'accepted', 'held', 'held']);
    // What is held stays held, and is told as held, however often it is delivered.
    expect(wordsOf(await importLines(scene, lines.slice(3)))).toEqual(['held', 'held']);
    expect(await countOf(scene)).toBe(3);
  });

  test('keeps its id and its key: a held device cannot come a second time under another name', async () => {
    const scene = await makeScene();
    agreeLot(scene, { count: 0 });
    await importLines(scene, await linesOf(scene, 1));
    agreeLot(scene, { lot: '8' });
    const delivery = await drop(
      scene,
      manifestOf([await lineOf(scene.authority, 'P0001', 'other'), await lineOf(scene.authority, 'P9', 'P0001')], {
        lot: '8',
      }),
    );
    for (const request of await askFor(scene, delivery)) await listDevices(request, scene);
    expect(listingsIn(scene)).toHaveLength(1);
    expect(await countOf(scene, '8')).toBeUndefined();
  });

  test('of chips makes their certificates known, too; but nobody can own them yet', async () => {
    const scene = await makeScene();
    const root = await makeAuthority('Acme Chip Root');
    trust(scene, root, 'root');
    agreeLot(scene, { count: 0 });
    expect(wordsOf(await importLines(scene, [await lineOf(root, 'C1')]))).toEqual(['held']);
    expect(scene.alignments.requestedCertificates).toHaveLength(1);
  });
});

describe('T013 a serial number outside the range of its lot', () => {
  const serials = { first: 'P0002', last: 'P0004' };

  test('is refused, and takes no room; both ends belong to the range', async () => {
    const scene = await makeScene();
    agreeLot(scene, { count: 3, serials });
    const reports = await importLines(scene, await linesOf(scene, 5));
    expect(wordsOf(reports)).toEqual([
      'serial-out-of-range',
      'accepted',
      'accepted',
      'accepted',
      'serial-out-of-range',
    ]);
    expect(reports[4]).toMatchObject({ refusal: { ...serials, got: 'P0005' } });
    expect(listingsIn(scene)).toHaveLength(3);
    expect(await countOf(scene)).toBe(3);
  });

  test.each(['P3', 'P00030', 'Q0003', 'P000é'.normalize('NFD').slice(0, 5), 'p0003'])(
    'is also one of another length or alphabet: "%s"',
    async (serial) => {
      const scene = await makeScene();
      agreeLot(scene, { serials });
      const [word] = wordsOf(await importLines(scene, [await lineOf(scene.authority, serial)]));
      expect(word).toBe('serial-out-of-range');
      expect(listingsIn(scene)).toEqual([]);
    },
  );
});

describe('two imports of one lot at once', () => {
  test.each([1, 3, 5])('T014 never count past each other: %i agreed, five and five delivered', async (count) => {
    const scene = await makeScene();
    agreeLot(scene, { count });
    const lines = await linesOf(scene, 10);
    const first = await askFor(scene, await drop(scene, manifestOf(lines.slice(0, 5)), { name: 'a.jsonl' }));
    const second = await askFor(scene, await drop(scene, manifestOf(lines.slice(5)), { name: 'b.jsonl' }));
    // Between the read of the first and its transaction comes the whole of the second.
    scene.registry.beforeCommit(async () => {
      for (const request of second) await listDevices(request, scene);
    });
    for (const request of first) await listDevices(request, scene);
    expect(await countOf(scene)).toBe(count);
    expect(listingsIn(scene).length - heldIn(scene).length).toBe(count);
    expect(listingsIn(scene)).toHaveLength(10);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('that only hold do not wait for each other', async () => {
    const scene = await makeScene();
    agreeLot(scene, { count: 0 });
    await importLines(scene, await linesOf(scene, 2));
    expect(scene.registry.rows('whitelist').filter(({ pk }) => pk.startsWith('lot#'))).toEqual([]);
  });
});

test.each([{ version: 1 }, { version: 0, listed: 0 }, { version: 1, listed: -1 }, { version: 1, listed: '0' }])(
  'a count %j is a fault, never an empty lot',
  async (row) => {
    const scene = await makeScene();
    scene.registry.seed(lotCountKey('acme', '7'), row);
    const [request] = await askFor(scene, await drop(scene, manifestOf(await linesOf(scene, 1))));
    if (request === undefined) throw new Error('expected a chunk');
    await expect(listDevices(request, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(listingsIn(scene)).toEqual([]);
  },
);

function heldIn(scene: Scene) {
  return listingsIn(scene).filter(({ row }) => row['held'] === true);
}
