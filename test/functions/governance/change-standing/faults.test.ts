// T049: is a change of standing whole, whichever call fails and whoever is faster, and does the broker follow?
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { arrivalOf } from '../../onboarding/register-device/notices.ts';
import { AUDIENCE, gapsIn, listPump, makeScene, own, PRINCIPAL, readDevice, stateOf, type Scene } from '../../scene.ts';

const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });
const CUT = { kind: 'quarantine', level: 'cut', cause: 'compromised' };
const DENY = { kind: 'deny', cause: 'stolen' };

describe('T049 whichever call fails', () => {
  test.each([
    ['a quarantine', 'registered', CUT, 'INACTIVE'],
    ['a denial', 'registered', DENY, 'REVOKED'],
    ['a denial of a listed device', 'listed', DENY, 'REVOKED'],
  ] as const)('%s ends as if none had, and the broker follows', async (_title, state, act, status) => {
    const model = await standingScene(state, act);
    const points = await faultPoints(fakesOf(model.scene), model.run);
    expect(points.length).toBeGreaterThanOrEqual(6);
    for (const point of points) {
      const { scene, pump, run } = await standingScene(state, act);
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await run();
      expect(stateOf(scene), JSON.stringify(point)).toEqual(stateOf(model.scene));
      expect(await scene.registry.pendingAlignments(scene.clock.now(), 10)).toContainEqual(deviceKey(pump.id));
      await alignDevice(pump.id, scene);
      expect((await scene.broker.findCertificate(pump.certificateId))?.status, JSON.stringify(point)).toBe(status);
      expect(gapsIn(scene)).toEqual([]);
    }
  });
});

describe('a change of standing that meets another', () => {
  test('is a fault of the slower one, and its rerun finds what the faster has left', async () => {
    const { scene, pump, run } = await standingScene('owned', CUT);
    scene.registry.beforeCommit(async () => {
      await change(scene, { ...DENY, device: pump.id });
    });
    await expect(run()).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'denied', version: 2 });
    expect(await run()).toMatchObject({ refusal: { reason: 'denied' } });
  });

  test('of a device that is claimed at the same time is a fault, and its rerun denies it to its owner', async () => {
    const { scene, pump, run } = await standingScene('listed', DENY);
    scene.registry.beforeCommit(async () => {
      await own(scene, pump);
    });
    // The claim commits before the denial compares.
    await expect(run()).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await run()).toMatchObject({ value: { result: 'changed', state: 'denied' } });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'denied', version: 2, epoch: 1 });
    expect(gapsIn(scene)).toEqual([]);
  });
});

async function standingScene(state: 'listed' | 'owned' | 'registered', act: { readonly kind: string }) {
  const scene = await makeScene();
  const pump = await listPump(scene);
  const notice = arrivalOf(scene, pump.party);
  if (state !== 'listed') await own(scene, pump);
  if (state === 'registered') {
    await registerDevice(notice, scene);
    await alignDevice(pump.id, scene);
  }
  return { scene, pump, run: () => change(scene, { ...act, device: pump.id }) };
}

function change(scene: Scene, act: Json) {
  const event = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() });
  return changeStanding(event, scene);
}
