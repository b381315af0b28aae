// What does a listing leave that was killed or raced? Whole groups, which the next run knows as its own.
import { describe, expect, test } from 'vitest';

import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import type { ChunkRequest } from '../../../../shared/ports.ts';
import { lotCountKey } from '../../../../shared/whitelist/lot.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { faultPoints, plan, type FaultPoint } from '../../every-fault.ts';
import { agreeLot, entriesOf, gapsIn, makeScene, stateOf, trust, type Scene } from '../../scene.ts';
import { drop, lineOf, linesOf, manifestOf, REPORT } from '../import-manifest/deliveries.ts';
import { askFor, countOf, listingsIn, reportIn, wordsOf } from './whole-import.ts';

/** Two transactions of 16 and one of 8: 34 under the authority, 3 chips under a root, 2 held and one refused. */
const [PUMPS, CHIPS, HELD] = [34, 3, 2];

describe('T021 a listing that fails at any call', () => {
  test('ends with n listings, n entries and one closing report after a rerun', async () => {
    const model = await listingScene();
    const points = meaningful(await faultPoints(fakesOf(model.scene), model.run));
    const named = points.map(({ fake, on }) => `${fake} ${on}`);
    // Three groups, the chunk's row and the import's, each lost and kept.
    expect(named.filter((name) => name === 'registry commit')).toHaveLength(10);
    expect(named.filter((name) => name === 'alignments requestCertificate')).toHaveLength(2 * CHIPS);
    expect(named.filter((name) => name === 'manifests write')).toHaveLength(4);
    for (const point of points) {
      const { scene, run } = await listingScene();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      // The next try comes later, and finds the interrupted work.
      await run();
      expectComplete(scene, model.scene, JSON.stringify(point));
    }
  });

  test('twice is completed by the third run, wherever both were', async () => {
    const model = await listingScene();
    const commits = meaningful(await faultPoints(fakesOf(model.scene), model.run)).filter(({ on }) => on === 'commit');
    for (const first of commits) {
      const { scene, run } = await listingScene();
      for (const point of [first, { ...first, after: 0, kept: true }]) {
        plan(fakesOf(scene), point);
        await run().catch((error: unknown) => {
          expect(error).toBeInstanceOf(InjectedFault);
        });
      }
      await run();
      expectComplete(scene, model.scene, JSON.stringify(first));
    }
  });

  test('reports what it had listed as accepted, and as unchanged only what another import listed', async () => {
    const { scene, run } = await listingScene();
    scene.registry.failNext({ on: 'commit', kept: true, after: 1 });
    await expect(run()).rejects.toThrow(InjectedFault);
    expect(listingsIn(scene)).toHaveLength(31); // the first two groups; one of their lines cannot be read
    scene.clock.advance(3_600_000);
    await run();
    expect(new Set(wordsOf(reportIn(scene).lines))).toEqual(new Set(['accepted', 'held', 'certificate-malformed']));
  });
});

describe('a chunk that is asked for again', () => {
  test('after it was listed writes nothing, also when the import is closed', async () => {
    const { scene, run } = await listingScene();
    await run();
    const before = { state: stateOf(scene), report: scene.manifests.text(REPORT) };
    expect(await run()).toMatchObject({ outcome: 'done', value: { closed: false } });
    expect({ state: stateOf(scene), report: scene.manifests.text(REPORT) }).toEqual(before);
    expect(scene.manifests.calls.filter((name) => name === 'write')).toHaveLength(3); // chunk, result, report
  });

  test('while the same chunk is being listed elsewhere ends with the same lines, once', async () => {
    const model = await listingScene();
    await model.run();
    for (let race = 0; race < 5; race += 1) {
      const { scene, run } = await listingScene();
      for (let commit = 0; commit < race; commit += 1) scene.registry.beforeCommit(() => undefined);
      scene.registry.beforeCommit(async () => {
        await run();
      });
      await run();
      expectComplete(scene, model.scene, `before commit ${race + 1}`);
    }
  });
});

describe('two last chunks at once', () => {
  test('close the import once, with the same report', async () => {
    const { scene, requests } = await twoChunks();
    const [first, second] = requests;
    if (first === undefined || second === undefined) throw new Error('expected two chunks');
    // The second is listed whole between the report of the first and its closing transaction.
    const closed: unknown[] = [];
    await listDevices(first, stopBeforeClosing(scene)).catch(() => undefined);
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(async () => {
      closed.push(await listDevices(first, scene));
    });
    closed.push(await listDevices(second, scene));
    expect(closed.map((answer) => (answer as { value: { closed: boolean } }).value.closed).sort()).toEqual([
      false,
      true,
    ]);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'manifest-imported')).toHaveLength(1);
    expect(gapsIn(scene)).toEqual([]);
    expect(reportIn(scene).lines).toHaveLength(501);
  });

  test('in any order and at once leave one closing entry', async () => {
    const { scene, requests } = await twoChunks();
    const answers = await Promise.all([...requests, ...requests].map((request) => listDevices(request, scene)));
    expect(answers.filter((answer) => answer.outcome === 'done' && answer.value.closed)).toHaveLength(1);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'manifest-imported')).toHaveLength(1);
    expect(reportIn(scene).head).toMatchObject({ results: { accepted: 1, refused: 500 } });
  });
});

test('compares anew when another import listed a device meanwhile', async () => {
  const scene = await makeScene();
  const lines = await linesOf(scene, 3);
  const [request] = await askFor(scene, await drop(scene, manifestOf(lines), { name: 'a.jsonl' }));
  const [other] = await askFor(scene, await drop(scene, manifestOf(lines.slice(1)), { name: 'b.jsonl' }));
  if (request === undefined || other === undefined) throw new Error('expected chunks');
  scene.registry.beforeCommit(async () => {
    await listDevices(other, scene);
  });
  await listDevices(request, scene);
  expect(wordsOf(reportIn(scene, 'manifests/acme/a.jsonl.report').lines)).toEqual([
    'accepted',
    'unchanged',
    'unchanged',
  ]);
  expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'listed')).toHaveLength(3);
  expect(await countOf(scene)).toBe(3);
});

test('waits longer each time another import was faster, gives up as a fault after ten times, and lists nothing', async () => {
  const scene = await makeScene();
  const [request] = await askFor(scene, await drop(scene, manifestOf(await linesOf(scene, 1))));
  if (request === undefined) throw new Error('expected a chunk');
  for (let race = 1; race <= 10; race += 1) {
    scene.registry.beforeCommit(() => {
      scene.registry.seed(lotCountKey('acme', '7'), { version: race, listed: race });
    });
  }
  await expect(listDevices(request, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
  expect(listingsIn(scene)).toEqual([]);
  expect(scene.clock.pauses.slice(0, 9)).toEqual([10, 20, 40, 80, 160, 320, 500, 500, 500]);
});

const fakesOf = ({ registry, manifests, alignments }: Scene) => ({ registry, manifests, alignments });

/** The beginning of a stream has no effect that could be kept. */
function meaningful(points: readonly FaultPoint[]): readonly FaultPoint[] {
  return points.filter(({ on, kept, fake }) => !(fake === 'manifests' && on === 'read' && kept));
}

function expectComplete(scene: Scene, model: Scene, where: string): void {
  expect(listingsIn(scene), where).toHaveLength(PUMPS + CHIPS + HELD);
  expect(listingsIn(scene), where).toEqual(listingsIn(model));
  expect(withoutClock(scene), where).toEqual(withoutClock(model));
  const kinds = entriesOf(scene).map(({ leaf }) => leaf.kind);
  expect(kinds.filter((kind) => kind === 'listed')).toHaveLength(PUMPS + CHIPS);
  expect(kinds.filter((kind) => kind === 'held')).toHaveLength(HELD);
  expect(kinds.filter((kind) => kind === 'manifest-imported')).toHaveLength(1);
  expect(gapsIn(scene), where).toEqual([]);
  expect(scene.manifests.text(REPORT), where).toBe(model.manifests.text(REPORT));
}

function withoutClock(scene: Scene) {
  const { whitelist, devices, entries } = stateOf(scene);
  return { whitelist, devices, entries };
}

/** One chunk, as `import-manifest` leaves it. */
async function listingScene() {
  const scene = await makeScene();
  const root = await makeAuthority('Acme Chip Root');
  trust(scene, root, 'root');
  agreeLot(scene, { count: PUMPS + CHIPS });
  const chips = await Promise.all(['C1', 'C2', 'C3'].map((serial) => lineOf(root, serial)));
  const surplus = await Promise.all(['Z1', 'Z2'].map((serial) => lineOf(scene.authority, serial)));
  const lines = [{ serial: 'X1', certificate: 'AAAA' }, ...(await linesOf(scene, PUMPS)), ...chips, ...surplus];
  const [request] = await askFor(scene, await drop(scene, manifestOf(lines)));
  if (request === undefined) throw new Error('expected a chunk');
  return { scene, run: () => listDevices(request, scene) };
}

async function twoChunks(): Promise<{ readonly scene: Scene; readonly requests: readonly ChunkRequest[] }> {
  const scene = await makeScene();
  const unreadable = Array.from({ length: 500 }, (_none, index) => ({ serial: `X${index}`, certificate: 'AAAA' }));
  const manifest = manifestOf([...unreadable, ...(await linesOf(scene, 1))]);
  return { scene, requests: await askFor(scene, await drop(scene, manifest)) };
}

/** A worker that dies when it has listed its chunk, before it looks whether it was the last. */
function stopBeforeClosing(scene: Scene): Scene {
  scene.registry.failNext({ on: 'list', kept: false });
  return scene;
}
