// Does a worker change nothing at the broker once its lease has ended, or is about to?
import { describe, expect, test } from 'vitest';

import { fence } from '../../../../functions/onboarding/align-broker/fence.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { LEASE_SECONDS } from '../../../../functions/lease.ts';
import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { Fault } from '../../../../shared/outcome.ts';
import type { Broker } from '../../../../shared/ports.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { MemoryBroker } from '../../../fakes/memory-broker.ts';
import { AUDIENCE, gapsIn, kindsOf, makeScene, ownPump, PRINCIPAL, readDevice, type Scene } from '../../scene.ts';
import { noticeOf } from '../register-device/notices.ts';

const CERTIFICATE = 'a'.repeat(64);
const ARN = `arn:aws:iot:eu-central-1:000000000000:cert/${CERTIFICATE}`;

const CHANGES: readonly [string, (broker: Broker) => Promise<unknown>][] = [
  ['registerCertificate', (broker) => broker.registerCertificate('PEM')],
  ['registerIssued', (broker) => broker.registerIssued('PEM')],
  ['setStatus', (broker) => broker.setStatus(CERTIFICATE, 'ACTIVE')],
  ['createThing', (broker) => broker.createThing('acme-P1001')],
  ['attachThing', (broker) => broker.attachThing('acme-P1001', ARN)],
  ['attachPolicy', (broker) => broker.attachPolicy('registration', ARN)],
  ['detachThing', (broker) => broker.detachThing('acme-P1001', ARN)],
  ['detachPolicy', (broker) => broker.detachPolicy('registration', ARN)],
  ['deleteCertificate', (broker) => broker.deleteCertificate(CERTIFICATE)],
  ['deleteThing', (broker) => broker.deleteThing('acme-P1001')],
];

const READS: readonly [string, (broker: Broker) => Promise<unknown>][] = [
  ['findCertificate', (broker) => broker.findCertificate(CERTIFICATE)],
  ['listThings', (broker) => broker.listThings(ARN)],
  ['listPolicies', (broker) => broker.listPolicies(ARN)],
  ['listPolicyTargets', (broker) => broker.listPolicyTargets('registration')],
];

describe('behind the fence', () => {
  test('is every method of the broker', () => {
    const fenced = fence(new MemoryBroker(), { check: () => undefined });
    expect(Object.keys(fenced).sort()).toEqual([...CHANGES, ...READS].map(([name]) => name).sort());
  });

  test.each([...CHANGES, ...READS])('%s reaches the broker while the lease holds', async (name, call) => {
    const { broker, fenced } = behind(true);
    await call(fenced).catch(() => undefined);
    expect(broker.calls).toEqual([name]);
  });

  test.each(CHANGES)('T049 %s is a fault once the call might arrive after the lease', async (_name, call) => {
    const { broker, fenced } = behind(false);
    await expect(call(fenced)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(broker.calls).toEqual([]);
  });

  test.each(READS)('%s changes nothing, and needs no lease', async (name, call) => {
    const { broker, fenced } = behind(false);
    await call(fenced);
    expect(broker.calls).toEqual([name]);
  });
});

describe('T049 a worker that sleeps through its lease', () => {
  test.each(['findCertificate', 'createThing', 'attachThing', 'attachPolicy'] as const)(
    'in %s opens nothing that another worker has closed meanwhile',
    async (sleepsIn) => {
      const { scene, pump } = await admittedScene();
      const broker = sleepy(scene, sleepsIn, async () => {
        scene.clock.advance(LEASE_SECONDS * 1000);
        await quarantine(scene, pump.id);
        expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'inactive' });
      });
      await expect(alignDevice(pump.id, { ...scene, broker })).rejects.toMatchObject({ code: 'comparison-lost' });
      expect((await scene.broker.findCertificate(pump.certificateId))?.status).toBe('INACTIVE');
      expect(scene.broker.changes.filter((change) => change.endsWith(' ACTIVE'))).toEqual([]);
      expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'quarantined', level: 'cut' });
      expect(await readDevice(scene, pump.id)).not.toHaveProperty('brokerPending');
      expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed', 'admitted', 'quarantined', 'aligned']);
      expect(gapsIn(scene)).toEqual([]);
    },
  );

  test('while it waits for its turn makes no call at all', async () => {
    const { scene, pump } = await admittedScene();
    const quota = { awaitTurn: () => scene.clock.pause(LEASE_SECONDS * 1000) };
    await expect(alignDevice(pump.id, { ...scene, quota })).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(scene.broker.changes).toEqual([]);
  });
});

function behind(held: boolean) {
  const broker = new MemoryBroker();
  broker.seed(CERTIFICATE, 'INACTIVE');
  const check = () => {
    if (!held) throw new Fault('comparison-lost', 'the lease has ended');
  };
  return { broker, fenced: fence(broker, { check }) };
}

/** The same broker, but the worker falls asleep during its first call of this method. */
function sleepy({ broker }: Scene, method: keyof Broker, sleep: () => Promise<void>): Broker {
  let awake = true;
  return new Proxy(broker, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...values: unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(member, target, values);
        if (name === method && awake) {
          awake = false;
          await sleep();
        }
        return answer;
      };
    },
  });
}

async function quarantine(scene: Scene, device: string): Promise<void> {
  const act = { kind: 'quarantine', device, level: 'cut', cause: 'compromised' };
  const event = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() });
  expect(await changeStanding(event, scene)).toMatchObject({ outcome: 'done' });
}

async function admittedScene() {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  scene.broker.connect(pump.certificateId, 'any', pump.party.pem);
  await registerDevice(noticeOf(scene, pump), scene);
  return { scene, pump };
}
