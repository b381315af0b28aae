// What does a check leave that was killed at any call? Its next run writes the same chunks and asks for all of them.
import { describe, expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { makeAuthority, makeDevice, makeSigner } from '../../../pki/certificates.ts';
import { arrayOf, makeChip } from '../../../pki/microchip-manifest.ts';
import { faultPoints, plan, type FaultPoint } from '../../every-fault.ts';
import { agreeLot, entriesOf, gapsIn, makeScene, stateOf, trust, type Scene } from '../../scene.ts';
import { drop, dropAlone, lineOf, manifestOf, REPORT } from './deliveries.ts';

describe('T021 a check that fails at any call is completed by its rerun', () => {
  test.each([
    ['of a manifest signed as a whole', fileScene, 12],
    ['of one signed entry by entry', chipScene, 10],
  ])('%s', async (_name, make, atLeast) => {
    const model = await make();
    const points = meaningful(await faultPoints(fakesOf(model.scene), model.run));
    expect(points.length).toBeGreaterThanOrEqual(atLeast);
    expect(points.map(({ fake, on }) => `${fake} ${on}`)).toEqual(
      expect.arrayContaining(['manifests write', 'registry commit', 'chunks request', 'manifests read']),
    );
    for (const point of points) {
      const { scene, run } = await make();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      scene.clock.advance(60_000);
      await run();
      expect(
        entriesOf(scene).map(({ leaf }) => leaf.kind),
        JSON.stringify(point),
      ).toEqual(['manifest-verified']);
      expect(gapsIn(scene)).toEqual([]);
      expectAllAsked(scene, model.scene);
    }
  });
});

test('a refusal that fails at any call is recorded once by its rerun, with its report', async () => {
  const model = await refusedScene();
  const points = meaningful(await faultPoints(fakesOf(model.scene), model.run));
  for (const point of points) {
    const { scene, run } = await refusedScene();
    plan(fakesOf(scene), point);
    await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
    await run();
    expect(stateOf(scene), JSON.stringify(point)).toEqual(stateOf(model.scene));
    expect(scene.manifests.text(REPORT)).toBe(model.scene.manifests.text(REPORT));
  }
});

test('no chunk is asked for before the verdict is recorded: nothing could list it', async () => {
  const { scene, run } = await fileScene();
  scene.registry.failNext({ on: 'commit', kept: false });
  await expect(run()).rejects.toThrow(InjectedFault);
  expect(scene.chunks.calls).toEqual([]);
});

const fakesOf = ({ registry, manifests, chunks }: Scene) => ({ registry, manifests, chunks });

/** The beginning of a stream has no effect that could be kept. */
function meaningful(points: readonly FaultPoint[]): readonly FaultPoint[] {
  return points.filter(({ on, kept, fake }) => !(fake === 'manifests' && on === 'read' && kept));
}

/** The last run asked for every chunk, under one time of import, by the digests that the objects have. */
function expectAllAsked(scene: Scene, model: Scene): void {
  const last = scene.chunks.requested.slice(-model.chunks.requested.length);
  expect(last.map(({ chunk }) => chunk)).toEqual(model.chunks.requested.map(({ chunk }) => chunk));
  expect(new Set(scene.chunks.requested.map(({ digest }) => digest)).size).toBe(last.length);
}

/** Two chunks: one device that can be listed, and 500 lines that cannot be read. */
async function fileScene() {
  const scene = await makeScene();
  const unreadable = Array.from({ length: 500 }, (_none, index) => ({ serial: `X${index}`, certificate: 'AAAA' }));
  const delivery = await drop(scene, manifestOf([await lineOf(scene.authority, 'P0001'), ...unreadable]));
  return { scene, run: () => importManifest(delivery, scene) };
}

async function chipScene() {
  const scene = await makeScene();
  const [root, signer] = [await makeAuthority('Microchip-like Root'), await makeSigner('Manifest Signer 005')];
  trust(scene, root, 'root', 'mchp');
  trust(scene, signer, 'signer', 'mchp');
  agreeLot(scene, { manufacturer: 'mchp', lot: 'chips' });
  const key = await makeDevice(root, 'sn0123F2408EA1FCF201');
  const manifest = arrayOf(await makeChip('0123f2408ea1fcf201', signer, { key, x5c: [key] }));
  const delivery = dropAlone(scene, manifest, 'manifests/mchp/chips.json');
  return { scene, run: () => importManifest(delivery, scene) };
}

async function refusedScene() {
  const scene = await makeScene();
  const delivery = await drop(scene, manifestOf([]), { signed: 'another file' });
  return { scene, run: () => importManifest(delivery, scene) };
}
