// What does `register-device` leave when a call fails or another writer is faster? Whatever it was, the next try ends it.
import { describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { parseDevice } from '../../../../shared/device-row.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { markAligned } from '../../../../shared/lifecycle-moves.ts';
import { Fault } from '../../../../shared/outcome.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  entriesOf,
  gapsIn,
  kindsOf,
  listPump,
  makeScene,
  ownPump,
  readDevice,
  stateOf,
  type Scene,
} from '../../scene.ts';
import { noticeOf } from './notices.ts';

const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });

describe('T049 a call that fails', () => {
  test('leaves an admission that the next notice completes, with the same entries', async () => {
    const model = await admissionScene();
    const points = await faultPoints(fakesOf(model.scene), model.run);
    // Two reads, one transaction, one request; each lost and each kept.
    expect(points.map(({ on }) => on)).toEqual([
      'read',
      'read',
      'read',
      'read',
      'commit',
      'commit',
      'request',
      'request',
    ]);
    for (const point of points) {
      const { scene, run, pump } = await admissionScene();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await run();
      expect(stateOf(scene), JSON.stringify(point)).toEqual(stateOf(model.scene));
      expect(gapsIn(scene)).toEqual([]);
      expect(scene.alignments.requested.at(-1)).toBe(pump.id);
    }
  });

  test('leaves a refusal that the next notice completes, with one entry', async () => {
    const model = await refusalScene();
    for (const point of await faultPoints(fakesOf(model.scene), model.run)) {
      const { scene, run } = await refusalScene();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await run();
      expect(stateOf(scene).entries, JSON.stringify(point)).toEqual(stateOf(model.scene).entries);
    }
  });

  test('after the commit leaves the row pending, so that the sweep finds it', async () => {
    const { scene, run, pump } = await admissionScene();
    scene.alignments.failNext({ on: 'request', kept: false });
    await expect(run()).rejects.toThrow(InjectedFault);
    expect(await scene.registry.pendingAlignments(scene.clock.now(), 10)).toEqual([deviceKey(pump.id)]);
  });
});

describe('a comparison that is lost', () => {
  test('is decided anew on what the faster writer left', async () => {
    const { scene, run, pump } = await admissionScene();
    scene.registry.beforeCommit(() => touch(scene, pump.id));
    expect(await run()).toMatchObject({ outcome: 'done', value: { verdict: 'admitted' } });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'registered', version: 3 });
    expect(entriesOf(scene).at(-1)?.detail.inputs['deviceVersion']).toBe(2);
  });

  test('three times in a row is a fault, and nothing was written', async () => {
    const { scene, run, pump } = await admissionScene();
    for (let race = 0; race < 3; race += 1) scene.registry.beforeCommit(() => touch(scene, pump.id));
    await expect(run()).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 4 });
    expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed']);
  });

  test('against the same notice elsewhere is answered as repeated', async () => {
    const { scene, run, pump } = await admissionScene();
    scene.registry.beforeCommit(async () => {
      await run();
    });
    expect(await run()).toMatchObject({ outcome: 'done', value: { verdict: 'repeated' } });
    expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed', 'admitted']);
  });
});

test.each([
  ['listing', (id: string) => listingKey(id)],
  ['device', () => deviceKey('acme-P1001')],
])('takes a malformed %s row for a fault, never for a default', async (_name, keyOf) => {
  const { scene, run, pump } = await admissionScene();
  scene.registry.seed(keyOf(pump.certificateId), { version: 1, state: 'owned' });
  await expect(run()).rejects.toThrow(Fault);
  await expect(run()).rejects.toMatchObject({ code: 'row-malformed' });
});

async function admissionScene() {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  return { scene, pump, run: () => registerDevice(noticeOf(scene, pump), scene) };
}

async function refusalScene() {
  const scene = await makeScene();
  const pump = await listPump(scene);
  return { scene, run: () => registerDevice(noticeOf(scene, pump), scene) };
}

/** Another writer changes the row, its state unchanged. */
async function touch({ registry, clock }: Scene, id: string): Promise<void> {
  const device = parseDevice((await registry.read([deviceKey(id)]))[0] ?? {});
  registry.seed(deviceKey(id), markAligned(device, clock.now()));
}
