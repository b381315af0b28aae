// Does each change of what is wrong with CloudHSM become one entry, whatever fails between a look and its record?
import { beforeEach, expect, test } from 'vitest';

import { tellHealth, watchHsm } from '../../../../functions/evidence/watch-hsm/flow.ts';
import { HEALTH_KEY } from '../../../../functions/evidence/watch-hsm/record.ts';
import { opensCommitment } from '../../../../shared/ledger/entry.ts';
import type { HsmCluster } from '../../../../shared/ports.ts';
import { CountingRandomness } from '../../../fakes/counting-randomness.ts';
import { FixedClock } from '../../../fakes/fixed-clock.ts';
import { MemoryHsmFleet } from '../../../fakes/memory-hsm-fleet.ts';
import { MemoryKeyStores } from '../../../fakes/memory-key-stores.ts';
import { MemoryRegistry } from '../../../fakes/memory-registry.ts';
import { CLUSTER, makeBackup, makeCluster, makeCustomerAuthority, makeKeyStore } from '../../../pki/hsm-cluster.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { entriesOf, gapsIn } from '../../scene.ts';

type World = ReturnType<typeof makeWorld>;

let cluster: HsmCluster;
let world: World;

beforeEach(async () => {
  cluster = await makeCluster(await makeCustomerAuthority());
  world = makeWorld();
});

function makeWorld() {
  const fleet = new MemoryHsmFleet();
  const keyStores = new MemoryKeyStores(fleet);
  fleet.seed(cluster, [makeBackup()]);
  keyStores.seed(makeKeyStore());
  const registry = new MemoryRegistry();
  return { fleet, keyStores, registry, clock: new FixedClock(), random: new CountingRandomness(), requestId: 'look-1' };
}

const told = () => entriesOf(world).map(({ seq, leaf: { kind }, detail }) => [seq, kind, detail.inputs]);
const degrade = () => {
  world.fleet.seed({ ...cluster, hsms: [] }, [makeBackup()]);
};

test('nothing wrong from the first look on is no entry and no row', async () => {
  expect(await watchHsm(world)).toEqual({ findings: [], changed: false });
  expect([world.registry.rows('owners'), world.registry.rows('ledger')]).toEqual([[], []]);
});

test('what becomes wrong and what becomes right again are one entry each, however often it is looked at', async () => {
  degrade();
  expect(await watchHsm(world)).toMatchObject({ findings: [{ code: 'no-active-hsm' }], changed: true });
  expect(await watchHsm(world)).toMatchObject({ findings: [{ code: 'no-active-hsm' }], changed: false });
  world.fleet.seed(cluster, [makeBackup()]);
  expect(await watchHsm(world)).toEqual({ findings: [], changed: true });
  expect(await watchHsm(world)).toEqual({ findings: [], changed: false });
  const wrong = [`no-active-hsm ${CLUSTER}`];
  expect(told()).toEqual([
    [1, 'hsm-health-changed', { before: [], now: wrong }],
    [2, 'hsm-health-changed', { before: wrong, now: [] }],
  ]);
  expect(entriesOf(world).every(opensCommitment)).toBe(true);
});

test('a backup that grows older is one change: its age moves at every look and is none', async () => {
  world.clock.set('2026-11-26T12:00:00.000Z');
  await watchHsm(world);
  world.clock.set('2026-11-26T12:05:00.000Z');
  expect(await watchHsm(world)).toMatchObject({ findings: [{ code: 'backup-old' }], changed: false });
  expect(told()).toHaveLength(1);
});

test('one thing wrong in place of another is a change, also of the same kind', async () => {
  world.keyStores.seed(makeKeyStore({ connection: 'DISCONNECTED' }));
  await watchHsm(world);
  world.keyStores.seed(makeKeyStore());
  world.keyStores.seed(makeKeyStore({ id: 'cks-2', name: 'clinic', connection: 'DISCONNECTED' }));
  expect(await watchHsm(world)).toMatchObject({ changed: true });
  expect(told()).toHaveLength(2);
});

test('a service that does not answer is a fault: what was not seen is not well', async () => {
  degrade();
  await watchHsm(world);
  for (const on of ['clusters', 'backups'] as const) {
    world.fleet.failNext({ on, kept: false });
    await expect(watchHsm(world)).rejects.toThrow('told to fail');
  }
  world.keyStores.failNext({ on: 'list', kept: false });
  await expect(watchHsm(world)).rejects.toThrow('told to fail');
  expect(told()).toHaveLength(1);
});

test('another run that was faster with the same is no second entry', async () => {
  degrade();
  world.registry.beforeCommit(async () => {
    await watchHsm({ ...world, requestId: 'look-2' });
  });
  expect(await watchHsm(world)).toMatchObject({ changed: false });
  expect(told()).toHaveLength(1);
});

test('runs that are faster every time are a fault', async () => {
  degrade();
  for (let version = 1; version <= 3; version += 1)
    world.registry.beforeCommit(() => {
      world.registry.seed(HEALTH_KEY, { version, findings: [], since: world.clock.now() });
    });
  await expect(watchHsm(world)).rejects.toMatchObject({ code: 'comparison-lost' });
});

test('a row that somebody else wrote is a fault, and not taken for health', async () => {
  world.registry.seed(HEALTH_KEY, { version: 1, findings: 'none' });
  await expect(watchHsm(world)).rejects.toMatchObject({ code: 'row-malformed' });
});

test('whichever call fails, lost or kept, the next look leaves one entry of the change', async () => {
  degrade();
  const fakes = (of: World) => ({ fleet: of.fleet, keyStores: of.keyStores, registry: of.registry });
  const points = await faultPoints(fakes(world), () => watchHsm(world));
  expect(points.length).toBeGreaterThanOrEqual(10);
  for (const point of points) {
    world = makeWorld();
    degrade();
    plan(fakes(world), point);
    await expect(watchHsm(world)).rejects.toThrow('told to fail');
    await watchHsm(world);
    expect(told(), JSON.stringify(point)).toHaveLength(1);
    expect(gapsIn(world)).toEqual([]);
  }
});

test('each finding is told in a line of its own, by code, severity, subject and article and without its sentence', async () => {
  degrade();
  world.keyStores.seed(makeKeyStore({ connection: 'DISCONNECTED' }));
  expect(tellHealth(await watchHsm(world))).toEqual([
    { finding: 'no-active-hsm', severity: 'broken', subject: CLUSTER, article: 'hsms-too-few' },
    {
      finding: 'key-store-disconnected',
      severity: 'broken',
      subject: 'cks-1234567890abcdef0',
      article: 'key-store-disconnected',
    },
  ]);
});

test('that nothing is wrong is told in one line', () => {
  expect(tellHealth({ findings: [], changed: false })).toEqual({ health: 'well' });
});
