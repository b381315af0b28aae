// Does a lot hold what was agreed whichever call of whichever worker comes first? Three imports of one lot that
// share devices, each chunk with two workers; the order of all their calls is drawn by fast-check.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import { Fault } from '../../../../shared/outcome.ts';
import type { ChunkRequest } from '../../../../shared/ports.ts';
import { agreeLot, entriesOf, gapsIn, makeScene, type Scene } from '../../scene.ts';
import { drop, linesOf, manifestOf } from '../import-manifest/deliveries.ts';
import { disorder } from './disorder.ts';
import { askFor, countOf, listingsIn, reportIn, wordsOf } from './whole-import.ts';

const [DEVICES, AGREED] = [8, 6];
/** The devices of each delivery. */
const DELIVERIES = { 'a.jsonl': [0, 4], 'b.jsonl': [2, 6], 'c.jsonl': [4, 8] } as const;

test('T014 T021 every order of calls lists each device once, never more than agreed, and closes each import once', async () => {
  const lines = await linesOf(await makeScene(), DEVICES);
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const scene = await makeScene();
      agreeLot(scene, { count: AGREED });
      const requests: ChunkRequest[] = [];
      for (const [name, [from, to]] of Object.entries(DELIVERIES))
        requests.push(...(await askFor(scene, await drop(scene, manifestOf(lines.slice(from, to)), { name }))));
      const world = disorder(scene, scheduler);
      await scheduler.waitFor(Promise.all([...requests, ...requests].map((request) => orFault(request, world))));
      // What the queue would try again.
      for (const request of requests) await listDevices(request, scene);
      await expectAgreed(scene);
    }),
    { numRuns: 60 },
  );
});

async function expectAgreed(scene: Scene): Promise<void> {
  expect(await countOf(scene)).toBe(AGREED);
  expect(listingsIn(scene)).toHaveLength(DEVICES);
  expect(listingsIn(scene).filter(({ row }) => row['held'] === true)).toHaveLength(DEVICES - AGREED);
  const kinds = entriesOf(scene).map(({ leaf }) => leaf.kind);
  expect(kinds.filter((kind) => kind === 'listed')).toHaveLength(AGREED);
  expect(kinds.filter((kind) => kind === 'held')).toHaveLength(DEVICES - AGREED);
  expect(kinds.filter((kind) => kind === 'manifest-imported')).toHaveLength(3);
  expect(gapsIn(scene)).toEqual([]);
  for (const name of Object.keys(DELIVERIES)) {
    const { head, lines } = reportIn(scene, `manifests/acme/${name}.report`);
    const told = (word: string) => wordsOf(lines).filter((other) => other === word).length;
    expect(head).toMatchObject({
      results: { accepted: told('accepted'), held: told('held'), unchanged: told('unchanged'), refused: 0 },
    });
    expect(lines).toHaveLength(4);
  }
}

/** A fault is what the queue would try again; anything else is a defect. */
async function orFault(request: ChunkRequest, world: Scene): Promise<void> {
  try {
    await listDevices(request, world);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}
