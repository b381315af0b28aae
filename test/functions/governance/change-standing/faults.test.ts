// T049: is a change of standing whole, whichever call fails and whoever is faster, and does the broker follow?
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { AUDIENCE, gapsIn, makeScene, own, PRINCIPAL, readDevice, stateOf, type Scene } from '../../scene.ts';
import { issued, pumpAt, type Stage } from '../at-work.ts';

const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });
const CUT = { kind: 'quarantine', level: 'cut', cause: 'compromised' };
const DENY = { kind: 'deny', cause: 'stolen' };

const RETIRE = { kind: 'retire', cause: 'end-of-life' };
const RESTRICT = { kind: 'quarantine', level: 'restricted', cause: 'investigation' };

/** What the broker shows at the end: of the factory certificate, of `b`, and of `c` that was offered. */
const CASES: readonly [title: string, stage: Stage, act: Act, shown: readonly (string | undefined)[]][] = [
  ['a quarantine', 'registered', CUT, ['INACTIVE']],
  ['a denial', 'registered', DENY, ['REVOKED']],
  ['a denial of a listed device', 'listed', DENY, ['REVOKED']],
  ['a retirement', 'registered', RETIRE, ['REVOKED']],
  ['a cut of a device at work', 'renewing', CUT, [undefined, 'INACTIVE', undefined]],
  ['a restriction of a device at work', 'renewing', RESTRICT, [undefined, 'ACTIVE', undefined]],
  ['a denial of a device at work', 'renewing', DENY, [undefined, undefined, undefined]],
  ['a retirement of a device at work', 'renewing', RETIRE, [undefined, undefined, undefined]],
];

describe('T049 whichever call fails', () => {
  test.each(CASES)(
    '%s of a device that is %s ends as if none had, and the broker follows',
    async (_t, stage, act, shown) => {
      const model = await standingScene(stage, act);
      const points = await faultPoints(fakesOf(model.scene), model.run);
      expect(points.length).toBeGreaterThanOrEqual(6);
      for (const point of points) {
        const { scene, pump, run } = await standingScene(stage, act);
        plan(fakesOf(scene), point);
        await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
        await run();
        expect(stateOf(scene), JSON.stringify(point)).toEqual(stateOf(model.scene));
        // What nobody asks for again is found by the sweep.
        const pending = await scene.registry.pendingAlignments(scene.clock.now(), 10);
        expect(pending).toContainEqual(deviceKey(pump.id));
        for (const { pk } of pending) await follow(scene, pk);
        expect(
          await shownOf(scene, [pump.certificateId, ...HELD].slice(0, shown.length)),
          JSON.stringify(point),
        ).toEqual(shown);
        expect(gapsIn(scene)).toEqual([]);
      }
    },
  );

  test.each([
    ['a reset window', { kind: 'open-window', hours: 2 }],
    ['a place', { kind: 'place', ward: 'ward-7' }],
  ])('%s ends as if none had, and nothing is asked of the broker', async (_title, act) => {
    const model = await standingScene('operational', act);
    const points = await faultPoints(fakesOf(model.scene), model.run);
    expect(points.filter(({ on }) => on === 'commit')).toHaveLength(2);
    for (const point of points) {
      const { scene, pump, run } = await standingScene('operational', act);
      const { version = 0 } = (await readDevice(scene, pump.id)) ?? {};
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      const kept = point.on === 'commit' && point.kept;
      expect((await readDevice(scene, pump.id))?.version, JSON.stringify(point)).toBe(kept ? version + 1 : version);
      await run();
      const { version: _version, ...device } = (await readDevice(scene, pump.id)) ?? {};
      const { version: _other, ...wanted } = (await readDevice(model.scene, pump.id)) ?? {};
      expect(device).toEqual(wanted);
      expect(scene.alignments.calls).toEqual(model.scene.alignments.calls);
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

const HELD = [issued('b').certificateId, issued('c').certificateId];

interface Act {
  readonly kind: string;
  readonly [member: string]: string | number;
}

async function standingScene(stage: Stage, act: Act) {
  const scene = await makeScene();
  const pump = await pumpAt(scene, stage);
  if (stage === 'registered') await alignDevice(pump.id, scene);
  // Whatever the quotas of the broker have cost.
  scene.clock.set('2026-11-24T14:00:00.000Z');
  return { scene, pump, run: () => change(scene, { ...act, device: pump.id }) };
}

/** By the key of a row that is pending, as the sweep finds it. */
function follow(scene: Scene, pk: string): Promise<unknown> {
  const [kind, id = ''] = pk.split('#');
  return kind === 'device' ? alignDevice(id, scene) : alignCertificate(id, scene);
}

function shownOf({ broker }: Scene, certificates: readonly string[]): Promise<readonly (string | undefined)[]> {
  return Promise.all(certificates.map(async (id) => (await broker.findCertificate(id))?.status));
}

function change(scene: Scene, act: Json) {
  const event = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() });
  return changeStanding(event, scene);
}
