// Does AWS IoT Core come to match the device row, whoever was interrupted when and whoever was faster?
import { describe, expect, test } from 'vitest';

import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { underLease } from '../../../../functions/lease.ts';
import { recordEntry, STREAMS } from '../../../../shared/ledger/entry.ts';
import { parseDevice } from '../../../../shared/device-row.ts';
import { deviceKey, isOwned } from '../../../../shared/lifecycle.ts';
import { markPending, register } from '../../../../shared/lifecycle-moves.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { gapsIn, kindsOf, makeScene, NOW, OWNER, ownPump, readDevice, type Scene } from '../../scene.ts';

describe('alignment', () => {
  test('activates an admitted device, clears the marker and says so in the ledger', async () => {
    const { scene, pump } = await admittedScene();
    expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'active' });
    const device = await readDevice(scene, pump.id);
    expect(device).toMatchObject({ state: 'registered', version: 3, alignedAt: NOW });
    expect(device).not.toHaveProperty('brokerPending');
    expect(scene.broker.connect(pump.certificateId, 'any')).toBe('connected');
    expect(kindsOf(scene, `device/${pump.id}`).at(-1)).toBe('aligned');
  });

  test('calls the broker for nothing when the row has settled', async () => {
    const { scene, pump } = await admittedScene();
    await alignDevice(pump.id, scene);
    const calls = scene.broker.calls.length;
    expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'settled' });
    expect(scene.broker.calls).toHaveLength(calls);
  });

  test('never acts for a device without a row', async () => {
    const { scene } = await admittedScene();
    await expect(alignDevice('acme-P9999', scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(scene.broker.calls).toEqual([]);
  });

  test('leaves a device to the worker that holds its lease', async () => {
    const { scene, pump } = await admittedScene();
    await underLease(`device#${pump.id}`, scene, async () => {
      await expect(alignDevice(pump.id, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
    });
    expect(scene.broker.calls).toEqual([]);
  });

  test('leaves a device pending that is stuck at the broker, and lets go of the lease', async () => {
    const { scene, pump } = await admittedScene();
    scene.broker.seed(pump.certificateId, 'REVOKED');
    await expect(alignDevice(pump.id, scene)).rejects.toMatchObject({ code: 'broker-stuck' });
    expect(await readDevice(scene, pump.id)).toHaveProperty('brokerPending');
    expect(await underLease(`device#${pump.id}`, scene, () => Promise.resolve('free'))).toBe('free');
  });
});

describe('a row that moves during the projection', () => {
  test('is projected again: a late activation does not outlive what ended it', async () => {
    const { scene, pump } = await admittedScene();
    // The third commit settles; before it come the lease and the quota.
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(() => takeBack(scene, pump.id));
    expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'absent' });
    expect(await scene.broker.findCertificate(pump.certificateId)).toBeUndefined();
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 4 });
  });

  test('five times in a row is a fault, and the row stays pending', async () => {
    const { scene, pump } = await admittedScene();
    scene.registry.beforeCommit(() => undefined);
    for (let round = 0; round < 5; round += 1) {
      scene.registry.beforeCommit(() => undefined);
      scene.registry.beforeCommit(() => move(scene, pump.id));
    }
    await expect(alignDevice(pump.id, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await readDevice(scene, pump.id)).toMatchObject({
      version: 7,
      brokerPending: scene.clock.now(),
    });
  });
});

describe('T049 a worker that dies', () => {
  test.each(['PENDING_ACTIVATION', 'INACTIVE'] as const)(
    'after any call leaves no active certificate without thing and policy, from %s',
    async (status) => {
      const model = await admittedScene(status);
      const points = await faultPoints(fakesOf(model.scene), () => alignDevice(model.pump.id, model.scene));
      // A first connect: one read and four changes; a certificate that had a life before is cleaned up, two reads more.
      const calls = status === 'PENDING_ACTIVATION' ? 5 : 7;
      expect(points.filter(({ fake }) => fake === 'broker')).toHaveLength(2 * calls);
      for (const point of points) {
        const { scene, pump } = await admittedScene(status);
        plan(fakesOf(scene), point);
        await expect(alignDevice(pump.id, scene), JSON.stringify(point)).rejects.toThrow('told to fail');
        await expectClosedOrComplete(scene, pump);
        // Another worker, once the lease of the dead one is over.
        scene.clock.advance(60_000);
        await alignDevice(pump.id, scene);
        expect(await look(scene, pump), JSON.stringify(point)).toEqual({
          status: 'ACTIVE',
          things: [pump.id],
          policies: ['registration'],
        });
        expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed', 'admitted', 'aligned']);
        expect(await readDevice(scene, pump.id)).toMatchObject({ version: 3 });
        expect(gapsIn(scene)).toEqual([]);
      }
    },
  );

  test('while it clears a certificate never leaves it open', async () => {
    const model = await clearingScene();
    for (const point of await faultPoints(fakesOf(model.scene), () => alignDevice(model.pump.id, model.scene))) {
      const { scene, pump } = await clearingScene();
      plan(fakesOf(scene), point);
      await expect(alignDevice(pump.id, scene), JSON.stringify(point)).rejects.toThrow('told to fail');
      await expectClosedOrComplete(scene, pump);
      scene.clock.advance(60_000);
      await alignDevice(pump.id, scene);
      expect(await scene.broker.findCertificate(pump.certificateId), JSON.stringify(point)).toBeUndefined();
      expect(await readDevice(scene, pump.id)).not.toHaveProperty('brokerPending');
    }
  });
});

type Pump = Awaited<ReturnType<typeof ownPump>>;

const fakesOf = ({ registry, broker, alignments }: Scene) => ({
  registry,
  broker,
  alignments,
});

/** Admitted, so pending; its certificate waits at the broker. */
async function admittedScene(status: 'PENDING_ACTIVATION' | 'INACTIVE' = 'PENDING_ACTIVATION') {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  await admit(scene, pump.id);
  scene.broker.seed(pump.certificateId, status);
  return { scene, pump };
}

/** Was active; then its row went back to `owned`, so the certificate must go. */
async function clearingScene() {
  const { scene, pump } = await admittedScene();
  await alignDevice(pump.id, scene);
  await takeBack(scene, pump.id);
  return { scene, pump };
}

/** As `register-device` leaves the row, and the number of its entry. */
async function admit({ registry, random, clock }: Scene, id: string): Promise<void> {
  const previous = parseDevice((await registry.read([deviceKey(id)]))[0] ?? {});
  if (!isOwned(previous)) throw new Error('expected an owned device');
  const next = register(previous, clock.now());
  const detail = {
    actor: { kind: 'step', step: 'register-device' },
    decision: 'done',
    inputs: {},
    requestId: 'admit',
  } as const;
  const entry = recordEntry(
    { stream: STREAMS.device(id), seq: 2, kind: 'admitted', time: clock.now(), detail },
    random,
  );
  await registry.commit([{ replace: deviceKey(id), previous, next }, entry]);
}

/** A later chapter ends the registration: the row is `owned` again, and pending. */
async function takeBack({ registry }: Scene, id: string): Promise<void> {
  const { version } = parseDevice((await registry.read([deviceKey(id)]))[0] ?? {});
  const factoryCertificate = parseDevice((await registry.read([deviceKey(id)]))[0] ?? {}).factoryCertificate;
  const core = {
    id,
    owner: OWNER,
    epoch: 1,
    manufacturer: 'acme',
    path: 'jitr',
    factoryCertificate,
    proof: 'claim',
    brokerPending: NOW,
  };
  registry.seed(deviceKey(id), { ...core, state: 'owned', version: version + 1 });
}

async function move({ registry, clock }: Scene, id: string): Promise<void> {
  const device = parseDevice((await registry.read([deviceKey(id)]))[0] ?? {});
  registry.seed(deviceKey(id), markPending(device, clock.now()));
}

async function look({ broker }: Scene, { certificateId }: Pump) {
  const certificate = await broker.findCertificate(certificateId);
  if (certificate === undefined) return undefined;
  return {
    status: certificate.status,
    things: await broker.listThings(certificate.arn),
    policies: await broker.listPolicies(certificate.arn),
  };
}

async function expectClosedOrComplete(scene: Scene, pump: Pump): Promise<void> {
  const shown = await look(scene, pump);
  if (shown?.status !== 'ACTIVE') return;
  expect(shown).toEqual({ status: 'ACTIVE', things: [pump.id], policies: ['registration'] });
}
