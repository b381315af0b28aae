// Does onboarding end well whichever call of whichever worker comes first? A claim, three notices and two aligning
// workers at once; the order of all their calls is drawn by fast-check, which keeps the seed of a failure.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { changeStanding } from '../../functions/governance/change-standing/flow.ts';
import { claimDevices } from '../../functions/whitelist/claim-devices/flow.ts';
import { alignDevice } from '../../functions/onboarding/align-broker/flow.ts';
import { sweepPending } from '../../functions/onboarding/align-broker/sweep.ts';
import { registerDevice } from '../../functions/onboarding/register-device/flow.ts';
import { Fault } from '../../shared/outcome.ts';
import { requestAct } from '../fakes/fake-caller-identity.ts';
import { noticeOf } from './onboarding/register-device/notices.ts';
import {
  AUDIENCE,
  entriesOf,
  gapsIn,
  listPump,
  makeScene,
  NOW,
  OWNER,
  ownPump,
  PRINCIPAL,
  readDevice,
  type Pump,
  type Scene,
} from './scene.ts';

test('I7 I8 T048 T049 every order of calls ends in one registered device, one active certificate and one entry per change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const scene = await makeScene();
      const pump = await listPump(scene);
      scene.broker.connect(pump.certificateId, 'any');
      const world = disorder(scene, pump, scheduler);
      await scheduler.waitFor(Promise.all(actors(scene, world, pump)));
      await settleDown(scene, pump);
      expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'registered', owner: OWNER, epoch: 1 });
      expect(scene.broker.connect(pump.certificateId, 'any')).toBe('connected');
      expectOneEntryPerVersion(scene, (await readDevice(scene, pump.id))?.version ?? 0, pump);
    }),
    { numRuns: 150 },
  );
});

test('I7 T049 T050 every order of calls of a cut and of a first connect ends in a closed device, with one entry per change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const scene = await makeScene();
      const pump = await ownPump(scene);
      scene.broker.connect(pump.certificateId, 'any');
      const world = disorder(scene, pump, scheduler);
      await scheduler.waitFor(
        Promise.all([
          orFault(() => registerDevice(noticeOf(scene, pump), world)),
          orFault(() => alignDevice(pump.id, world)),
          orFault(() => alignDevice(pump.id, world)),
          cut(scene, world, pump),
          orFault(() => alignDevice(pump.id, world)),
        ]),
      );
      scene.clock.advance(61_000);
      await sweepPending(scene);
      await alignDevice(pump.id, scene);
      expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'quarantined', level: 'cut' });
      expect((await scene.broker.findCertificate(pump.certificateId))?.status ?? 'absent').not.toBe('ACTIVE');
      expect(gapsIn(scene)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

/** An operator asks again until it is done, as the command line does. */
async function cut(scene: Scene, world: Scene, { id }: Pump): Promise<void> {
  const act = { kind: 'quarantine', device: id, level: 'cut', cause: 'compromised' };
  for (let time = 0; time < 5; time += 1) {
    await orFault(() => changeStanding(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), world));
    if ((await readDevice(scene, id))?.state === 'quarantined') return;
  }
  throw new Error('expected the cut within five times');
}

function actors(scene: Scene, world: Scene, pump: Pump): Promise<unknown>[] {
  const act = { kind: 'claim-devices', owner: OWNER, devices: [pump.id] };
  const times = ['2026-11-24T11:58:00.000Z', '2026-11-24T11:59:00.000Z', NOW];
  return [
    orFault(() => claimDevices(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), world)),
    ...times.map((time) => orFault(() => registerDevice(noticeOf(scene, pump, time), world))),
    orFault(() => alignDevice(pump.id, world)),
    orFault(() => alignDevice(pump.id, world)),
  ];
}

/** A fault is what the queue would try again; the sweep does so below. Anything else is a defect. */
async function orFault(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** The same ports, but every call waits for its turn, and no call leaves an active certificate without its policy. */
function disorder(scene: Scene, pump: Pump, scheduler: fc.Scheduler): Scene {
  const inTurn = <P extends object>(port: P): P =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return async (...values: unknown[]) => {
          await scheduler.schedule(Promise.resolve(), String(name));
          const answer: unknown = await Reflect.apply(member, target, values);
          await expectNeverOpen(scene, pump);
          return answer;
        };
      },
    });
  return {
    ...scene,
    registry: inTurn(scene.registry),
    broker: inTurn(scene.broker),
    alignments: inTurn(scene.alignments),
  };
}

async function expectNeverOpen({ broker }: Scene, { certificateId, id }: Pump): Promise<void> {
  const certificate = await broker.findCertificate(certificateId);
  if (certificate?.status !== 'ACTIVE') return;
  expect(await broker.listPolicies(certificate.arn)).toEqual(['registration']);
  expect(await broker.listThings(certificate.arn)).toEqual([id]);
}

/** The device connects again while it is closed; the sweep finds what is pending. Few rounds must do. */
async function settleDown(scene: Scene, pump: Pump): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    scene.clock.advance(61_000);
    if (scene.broker.connect(pump.certificateId, 'any') === 'announced') {
      await registerDevice(noticeOf(scene, pump, scene.clock.now()), scene);
    }
    scene.clock.advance(61_000);
    await sweepPending(scene);
    await alignDevice(pump.id, scene);
  }
}

function expectOneEntryPerVersion(scene: Scene, version: number, pump: Pump): void {
  expect(gapsIn(scene)).toEqual([]);
  const entries = entriesOf(scene).filter(({ stream }) => stream === `device/${pump.id}`);
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: version }, (_none, index) => index + 1));
  expect(entries.filter(({ leaf }) => leaf.kind === 'admitted')).toHaveLength(1);
}
