// Does a worker that dies after any step of issuance leave, in the end, exactly one active operational certificate, and never
// one that nobody knows? Every call of every port fails once, lost and kept.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { confirmCertificate } from '../../../functions/issuance/confirm-certificate/flow.ts';
import { issueCertificate } from '../../../functions/issuance/issue-certificate/flow.ts';
import { alignDevice } from '../../../functions/onboarding/align-broker/flow.ts';
import { Fault } from '../../../shared/outcome.ts';
import { InjectedFault } from '../../fakes/faults.ts';
import { faultPoints, plan } from '../every-fault.ts';
import {
  askFor,
  confirmationOf,
  idOf,
  issuedTo,
  makeIssuanceScene,
  offeredTo,
  registerChip,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type IssuanceScene,
} from '../issuance-scene.ts';
import { entriesOf, kindsOf, type Pump } from '../scene.ts';
import { drain, expectOneCertificate, fakesOf, rotateWhatever, settle, untilDone, type Rotating } from './rotation.ts';

const SCENES = {
  'the first rotation of a device': firstScene,
  'the first rotation of a chip that was registered beforehand': chipScene,
  'a renewal': renewalScene,
  'a rotation whose issuing key lives in a token': tokenScene,
};

describe.each(Object.entries(SCENES))('T087 T092 %s', (_title, make) => {
  test('ends with one active certificate, whichever call fails, lost or kept', async () => {
    const model = await make();
    const points = await faultPoints(fakesOf(model.scene), () => rotateWhatever(model));
    expectEveryStep(points.map(({ fake, on }) => `${fake} ${on}`));
    expect(points.length).toBeGreaterThan(80);
    for (const point of points) {
      const rotating = await make();
      plan(fakesOf(rotating.scene), point);
      const certificateId = await rotateWhatever(rotating);
      await expectOneCertificate({ ...rotating, certificateId }, JSON.stringify(point));
    }
  });

  test('ends with one active certificate, whichever two calls fail', async () => {
    const model = await make();
    const points = await faultPoints(fakesOf(model.scene), () => rotateWhatever(model));
    const one = fc.constantFrom(...points);
    await fc.assert(
      fc.asyncProperty(one, one, async (first, second) => {
        const rotating = await make();
        plan(fakesOf(rotating.scene), first);
        plan(fakesOf(rotating.scene), second);
        const certificateId = await rotateWhatever(rotating);
        // The second may not have come yet: it meets whoever looks.
        await untilDone(rotating.scene, () => expectOneCertificate({ ...rotating, certificateId }));
      }),
      { numRuns: 60 },
    );
  });

  test('never leaves the device without a certificate that lets it in: the new one opens before the old one closes', async () => {
    const { scene, pump, body } = await make();
    const watched = watch(scene, (open) => {
      expect(open.length).toBeGreaterThan(0);
    });
    await rotateWhatever({ scene: watched, pump, body });
  });
});

describe('T092 a worker that dies after the signature, and a device that never asks again', () => {
  test.each([
    ['before the answer of the key came', { fake: 'keys', on: 'sign', after: 0, kept: true }],
    ['before the call was recorded', { fake: 'registry', on: 'commit', after: 1, kept: false }],
    ['before it was stored', { fake: 'registry', on: 'commit', after: 2, kept: false }],
  ])('%s leaves an intent, and no certificate that anybody could use', async (_title, point) => {
    const { scene, pump, body } = await firstScene();
    plan(fakesOf(scene), point);
    await expect(issueCertificate(body, scene)).rejects.toThrow(InjectedFault);
    await settle(scene);
    expect(kindsOf(scene, `issuance/${pump.id}/request-a`)).toEqual(['issuance-intended']);
    expect(scene.keys.signed).toHaveLength(1);
    expect(scene.topics.published).toEqual([]);
    expect(scene.registry.rows('devices').filter(({ sk }) => sk === 'issued')).toEqual([]);
    expect(await scene.broker.listPolicyTargets('operation')).toEqual([]);
    expect(scene.broker.connect(pump.certificateId, 'any')).toBe('connected');
  });

  test('and asks for another key instead ends with the certificate of that key', async () => {
    const { scene, pump, body } = await firstScene();
    scene.registry.failNext({ on: 'commit', kept: false, after: 2 });
    await expect(issueCertificate(body, scene)).rejects.toThrow(InjectedFault);
    const certificateId = await rotateWhatever({
      scene,
      pump,
      body: await askFor(scene, pump.id, { requestId: 'request-n' }),
    });
    // The bytes of the first request are known, signed by nobody that was stored.
    scene.keys.signed.shift();
    await expectOneCertificate({ scene, pump, certificateId });
  });
});

describe('T087 T092 workers at the same time', () => {
  test('that both sign the same request store one signature, and discard the other on record', async () => {
    const { scene, pump, body } = await firstScene();
    // Between the record of the call and the store of the first worker, the second does all of it.
    for (let commit = 0; commit < 2; commit += 1) scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(async () => {
      valueOf(await issueCertificate(body, scene));
    });
    valueOf(await issueCertificate(body, scene));
    expect(scene.keys.signed).toHaveLength(2);
    const [first, second, ...more] = issuedTo(scene, pump.id);
    expect([second, more]).toEqual([first, []]);
    const discarded = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'signature-discarded');
    expect(discarded.map(({ detail }) => detail.inputs['requestId'])).toEqual(['request-a']);
    expect(discarded[0]?.detail.inputs['certificateId']).not.toBe(idOf(first ?? { certificate: '' }));
    const certificateId = await finish({ scene, pump, body });
    await expectOneCertificate({ scene, pump, certificateId });
  });

  test.each(Object.entries(SCENES))('on %s: every order of calls ends in one certificate', async (_title, make) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const rotating = await make();
        const { pump, body } = rotating;
        const world = disorder(rotating.scene, scheduler);
        const actors = [
          () => issueCertificate(body, world),
          () => issueCertificate(body, world),
          () => alignDevice(pump.id, world),
          () => alignDevice(pump.id, world),
        ];
        await scheduler.waitFor(Promise.all(actors.map(orFault)));
        const certificateId = await finish(rotating);
        await expectOneCertificate({ ...rotating, certificateId });
        expectDiscarded(rotating);
      }),
      { numRuns: 80 },
    );
  });

  test('on two requests of one device: every order of calls ends in one certificate, and the other on its list', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { scene, pump, body } = await firstScene();
        const second = await askFor(scene, pump.id, { requestId: 'request-b' });
        const world = disorder(scene, scheduler);
        const actors = [
          () => issueCertificate(body, world),
          () => issueCertificate(second, world),
          () => alignDevice(pump.id, world),
          () => alignDevice(pump.id, world),
        ];
        await scheduler.waitFor(Promise.all(actors.map(orFault)));
        // Whatever faults were: their messages come again.
        scene.clock.advance(61_000);
        for (const again of [body, second]) await issueCertificate(again, scene);
        await settle(scene);
        const certificateId = await offeredTo(scene, pump.id);
        valueOf(await confirmCertificate(confirmationOf(scene, pump.id, certificateId), scene));
        await settle(scene);
        await expectOneCertificate({ scene, pump, certificateId });
      }),
      { numRuns: 80 },
    );
  });

  test('on two confirmations and a late request: every order of calls ends in one certificate', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { scene, pump, body } = await firstScene();
        valueOf(await issueCertificate(body, scene));
        await drain(scene);
        const certificateId = await offeredTo(scene, pump.id);
        const world = disorder(scene, scheduler);
        const confirmation = confirmationOf(scene, pump.id, certificateId);
        const actors = [
          () => confirmCertificate(confirmation, world),
          () => confirmCertificate(confirmation, world),
          () => issueCertificate(body, world),
          () => alignDevice(pump.id, world),
        ];
        await scheduler.waitFor(Promise.all(actors.map(orFault)));
        scene.clock.advance(61_000);
        valueOf(await confirmCertificate(confirmation, scene));
        await settle(scene);
        await expectOneCertificate({ scene, pump, certificateId });
      }),
      { numRuns: 80 },
    );
  });
});

/** Every part of a rotation is among the calls that fail. */
function expectEveryStep(calls: readonly string[]): void {
  const signing = calls.includes('signing request') ? ['signing request'] : ['keys publicKey', 'keys sign'];
  const steps = [
    ...['registry read', 'registry commit', ...signing, 'topics publish', 'alignments request'],
    ...['registry pendingAlignments', 'broker findCertificate', 'broker registerIssued', 'broker createThing'],
    ...['broker attachThing', 'broker attachPolicy', 'broker setStatus'],
  ];
  for (const step of steps) expect(calls).toContain(step);
}

/** Of the signatures that were answered one was stored; each of the others has its entry. */
function expectDiscarded({ scene, pump }: Rotating): void {
  const kinds = entriesOf(scene).filter(({ detail }) => detail.device === pump.id);
  const count = (kind: string) => kinds.filter(({ leaf }) => leaf.kind === kind).length;
  const stored = count('certificate-signed');
  if (scene.issuing.home.kind === 'kms') expect(count('signature-discarded')).toBe(scene.keys.signed.length - stored);
}

/** The device goes on where the workers have left it. */
async function finish(rotating: Rotating): Promise<string> {
  rotating.scene.clock.advance(61_000);
  return rotateWhatever(rotating);
}

async function orFault(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** The same ports, but every call waits for its turn. */
function disorder(scene: IssuanceScene, scheduler: fc.Scheduler): IssuanceScene {
  return onEveryCall(scene, (name) => scheduler.schedule(Promise.resolve(), name));
}

/** After every change at the broker: the certificates that let this device in. */
function watch(scene: IssuanceScene, look: (open: readonly string[]) => void): IssuanceScene {
  return onEveryCall(scene, async () => {
    const targets = ['registration', 'operation'].map((policy) => scene.broker.listPolicyTargets(policy));
    const arns = (await Promise.all(targets)).flat();
    const ids = arns.map((arn) => arn.slice(arn.lastIndexOf('/') + 1));
    look(ids.filter((id) => scene.broker.connect(id, 'none') === 'connected'));
  });
}

function onEveryCall(scene: IssuanceScene, before: (name: string) => Promise<unknown>): IssuanceScene {
  const wrapped = <P extends object>(port: P): P =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (SYNCHRONOUS.has(String(name))) return member.bind(target) as unknown;
        return async (...values: unknown[]) => {
          await before(String(name));
          return Reflect.apply(member, target, values) as unknown;
        };
      },
    });
  const { registry, broker, alignments, topics, keys } = scene;
  const homes = { open: (...values: Parameters<typeof keys.open>) => wrapped(keys.open(...values)) };
  return {
    ...scene,
    registry: wrapped(registry),
    broker: wrapped(broker),
    alignments: wrapped(alignments),
    topics: wrapped(topics),
    keys: Object.assign(Object.create(keys) as typeof keys, homes),
  };
}

/** What only tests call. */
const SYNCHRONOUS = new Set(['on', 'connect', 'arnOf', 'rows', 'seed', 'failNext', 'beforeCommit']);

async function firstScene(): Promise<Rotating> {
  const scene = await makeIssuanceScene();
  return rotating(scene, await registerPump(scene), 'request-a');
}

async function chipScene(): Promise<Rotating> {
  const scene = await makeIssuanceScene();
  return rotating(scene, await registerChip(scene), 'request-a');
}

async function tokenScene(): Promise<Rotating> {
  const scene = await makeIssuanceScene({ home: { kind: 'pkcs11', name: 'issuing key 1' }, name: 'token' });
  return rotating(scene, await registerPump(scene), 'request-a');
}

async function renewalScene(): Promise<Rotating> {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  await rotate(scene, pump.id);
  await untilRenewal(scene, pump.id);
  return rotating(scene, pump, 'request-r');
}

async function rotating(scene: IssuanceScene, pump: Pump, requestId: string): Promise<Rotating> {
  return { scene, pump, body: await askFor(scene, pump.id, { requestId }) };
}
