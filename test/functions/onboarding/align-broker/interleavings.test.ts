// Does a chip's certificate end open for its owner, whichever call of whichever worker comes first? Its registration twice,
// its claim, and two aligning workers at once; the order of all their calls is drawn by fast-check.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { claimDevices } from '../../../../functions/whitelist/claim-devices/flow.ts';
import { Fault } from '../../../../shared/outcome.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import {
  AUDIENCE,
  gapsIn,
  kindsOf,
  listChip,
  makeScene,
  NOW,
  OWNER,
  PRINCIPAL,
  type Pump,
  type Scene,
} from '../../scene.ts';

test('T049 every order of calls ends in one active certificate with its thing and policy, and never shows it open without them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const scene = await makeScene();
      const chip = await listChip(scene);
      const world = disorder(scene, chip, scheduler);
      await scheduler.waitFor(Promise.all(actors(world, chip)));
      // What the queue and the sweep would try again.
      scene.clock.advance(61_000);
      await alignCertificate(chip.certificateId, scene);
      await alignDevice(chip.id, scene);
      expect(scene.broker.connect(chip.certificateId, 'none')).toBe('connected');
      expect(kindsOf(scene, `certificate/${chip.certificateId}`)).toEqual(['alignment-requested', 'aligned']);
      expect(kindsOf(scene, `device/${chip.id}`)).toEqual(['claimed', 'aligned']);
      expect(gapsIn(scene)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

function actors(world: Scene, { id, certificateId }: Pump): Promise<unknown>[] {
  const act = { kind: 'claim-devices', owner: OWNER, devices: [id] };
  return [
    orFault(() => claimDevices(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), world)),
    orFault(() => alignCertificate(certificateId, world)),
    orFault(() => alignCertificate(certificateId, world)),
    orFault(() => alignDevice(id, world)),
    orFault(() => alignDevice(id, world)),
  ];
}

/** A fault is what the queue would try again; anything else is a defect. */
async function orFault(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** The same ports, but every call waits for its turn, and after each the certificate is closed or complete. */
function disorder(scene: Scene, { certificateId, id }: Pump, scheduler: fc.Scheduler): Scene {
  const expectNeverOpen = async () => {
    const certificate = await scene.broker.findCertificate(certificateId);
    if (certificate?.status !== 'ACTIVE') return;
    expect(await scene.broker.listPolicies(certificate.arn)).toEqual(['registration']);
    expect(await scene.broker.listThings(certificate.arn)).toEqual([id]);
  };
  const inTurn = <P extends object>(port: P): P =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return async (...values: unknown[]): Promise<unknown> => {
          await scheduler.schedule(Promise.resolve(), String(name));
          const answer: unknown = await Reflect.apply(member, target, values);
          await expectNeverOpen();
          return answer;
        };
      },
    });
  return { ...scene, registry: inTurn(scene.registry), broker: inTurn(scene.broker) };
}
