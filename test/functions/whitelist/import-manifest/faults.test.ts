// What does an import leave that was killed or raced? Whole chunks, which the next run finds and completes.
import { expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan, type Faulty, type FaultPoint } from '../../every-fault.ts';
import { entriesOf, gapsIn, makeScene, type Scene } from '../../scene.ts';
import { drop, linesOf, manifestOf } from './deliveries.ts';

const DEVICES = 60; // three chunks

test('T021 ends with n listings and n entries after a rerun, whichever call failed', async () => {
  const model = await importScene();
  const points = [...(await faultPoints({ registry: model.scene.registry }, model.run)), ...STORE_FAULTS];
  expect(points.filter(({ on }) => on === 'commit')).toHaveLength(8); // three chunks and the import, lost and kept
  for (const point of points) {
    const { scene, run } = await importScene();
    plan({ registry: scene.registry, manifests: storeOf(scene) }, point);
    await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
    await run();
    expect(scene.registry.rows('whitelist'), JSON.stringify(point)).toHaveLength(2 * DEVICES + 1);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'listed')).toHaveLength(DEVICES);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'manifest-imported')).toHaveLength(1);
    expect(gapsIn(scene)).toEqual([]);
    expect(scene.manifests.text(REPORT)).toContain('"imported"');
  }
});

test('compares anew when another import listed a device meanwhile', async () => {
  const { scene, run } = await importScene();
  scene.registry.beforeCommit(async () => {
    await run();
  });
  expect(await run()).toMatchObject({
    outcome: 'done',
    value: { lines: expect.arrayContaining([expect.objectContaining({ result: 'unchanged' })]) as unknown },
  });
  expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'listed')).toHaveLength(DEVICES);
});

test('gives up as a fault when other imports were faster three times', async () => {
  const { scene, run } = await importScene();
  const lines = await linesOf(scene, 3);
  const other = await makeScene();
  await importManifest(await drop(other, manifestOf(lines)), other);
  for (const { row, ...key } of other.registry.rows('whitelist').filter(({ pk }) => !/^(id|import)#/.test(pk))) {
    scene.registry.beforeCommit(() => {
      scene.registry.seed(key, row);
    });
  }
  await expect(run()).rejects.toMatchObject({ code: 'comparison-lost' });
});

test('takes a malformed listing for a fault, never for a new device', async () => {
  const { scene, run } = await importScene();
  const model = await importScene();
  await model.run();
  const first = model.scene.registry.rows('whitelist').find(({ pk }) => !/^(id|import)#/.test(pk));
  scene.registry.seed(listingKey(first?.pk ?? ''), { version: 1 });
  await expect(run()).rejects.toMatchObject({ code: 'row-malformed' });
});

const REPORT = 'manifests/acme/lot-7.jsonl.report.json';

/** The manifest is opened three times, its signature once; a stream fails at its beginning. */
const STORE_FAULTS: readonly FaultPoint[] = [
  ...[0, 1, 2, 3].map((after) => ({ fake: 'manifests', on: 'read', after, kept: false })),
  { fake: 'manifests', on: 'findNewest', after: 0, kept: false },
  { fake: 'manifests', on: 'writeReport', after: 0, kept: false },
  { fake: 'manifests', on: 'writeReport', after: 0, kept: true },
];

async function importScene() {
  const scene = await makeScene();
  const delivery = await drop(scene, manifestOf(await linesOf(scene, DEVICES)));
  return { scene, run: () => importManifest(delivery, scene) };
}

function storeOf({ manifests }: Scene): Faulty {
  return {
    calls: [],
    failNext: (fault) => {
      manifests.failNext(fault as Parameters<typeof manifests.failNext>[0]);
    },
  };
}
