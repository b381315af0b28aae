// Does one worker at a time act on a subject at the broker, and settle only what it still holds?
import { expect, test } from 'vitest';

import { LEASE_SECONDS, underLease, type HeldLease, type LeaseSubject } from '../../functions/lease.ts';
import { InjectedFault } from '../fakes/faults.ts';
import { makeScene, type Scene } from './scene.ts';

const SUBJECT: LeaseSubject = 'device#acme-P1001';
const ROW = { table: 'owners', pk: 'owner#x', sk: 'row' } as const;
const CHANGE = { create: ROW, row: { version: 1 } };
const BUSY = { code: 'comparison-lost' };

const hold = <T>(scene: Scene, work: (lease: HeldLease) => Promise<T>, subject = SUBJECT) =>
  underLease(subject, scene, work);
const nothing = () => Promise.resolve();
/** A worker that dies at once: it neither settles nor releases. */
async function die(scene: Scene): Promise<void> {
  scene.registry.failNext({ on: 'commit', kept: false, after: 1 });
  await expect(hold(scene, nothing)).rejects.toThrow(InjectedFault);
}

test('gives a lease to one of many workers that ask at once', async () => {
  const scene = await makeScene();
  const asked = Array.from({ length: 20 }, () => hold(scene, () => new Promise((resolve) => setTimeout(resolve, 5))));
  const answers = await Promise.allSettled(asked);
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('keeps the leases of two subjects apart', async () => {
  const scene = await makeScene();
  expect(await hold(scene, () => hold(scene, () => Promise.resolve('both'), 'device#acme-P1002'))).toBe('both');
});

test('lets the next worker in when the work is done, and when it has failed', async () => {
  const scene = await makeScene();
  await hold(scene, nothing);
  await expect(hold(scene, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await hold(scene, () => Promise.resolve('next'))).toBe('next');
});

test('holds it for its whole time after a crash, and no longer', async () => {
  const scene = await makeScene();
  await die(scene);
  scene.clock.advance(LEASE_SECONDS * 1000 - 1);
  await expect(hold(scene, nothing)).rejects.toMatchObject(BUSY);
  scene.clock.advance(1);
  await hold(scene, nothing);
});

test('ends the lease in the transaction that settles the work, and not once more', async () => {
  const scene = await makeScene();
  expect(await hold(scene, ({ settle }) => settle([CHANGE]))).toBe('committed');
  expect(scene.registry.committed).toHaveLength(2);
  expect(await scene.registry.read([ROW])).toEqual([{ version: 1 }]);
  await hold(scene, nothing);
});

test('T049 a worker whose lease another one has taken settles nothing, and lets go of nothing', async () => {
  const scene = await makeScene();
  const late = await hold(scene, async ({ settle }) => {
    scene.clock.advance(LEASE_SECONDS * 1000);
    await hold(scene, async () => {
      expect(await settle([CHANGE])).toBe('lost');
    });
    return 'late';
  });
  expect(late).toBe('late');
  expect(await scene.registry.read([ROW])).toEqual([undefined]);
  await hold(scene, nothing);
});

test('T049 a worker that overslept ends no lease of its successor', async () => {
  const scene = await makeScene();
  const { promise: slept, resolve: wake } = Promise.withResolvers<undefined>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>();
  const late = hold(scene, () => {
    begin(undefined);
    return slept;
  });
  await begun;
  scene.clock.advance(LEASE_SECONDS * 1000);
  await hold(scene, async () => {
    wake(undefined);
    await late;
    await expect(hold(scene, nothing)).rejects.toMatchObject(BUSY);
  });
});

test.each([
  [50_999, true],
  [51_000, false],
  [60_000, false],
])('after %d ms a call may begin: %s', async (milliseconds, may) => {
  const scene = await makeScene();
  const answer = hold(scene, ({ check }) => {
    scene.clock.advance(milliseconds);
    check();
    return Promise.resolve();
  });
  await (may ? expect(answer).resolves.toBeUndefined() : expect(answer).rejects.toMatchObject(BUSY));
});

test('takes a malformed lease for a fault, never for a free subject', async () => {
  const scene = await makeScene();
  scene.registry.seed({ table: 'devices', pk: SUBJECT, sk: 'lease' }, { version: 1, until: 'tomorrow' });
  await expect(hold(scene, nothing)).rejects.toMatchObject({ code: 'row-malformed' });
});

test('waits for another worker as long as it has patience, and then works', async () => {
  const scene = await makeScene();
  await die(scene);
  scene.clock.advance(LEASE_SECONDS * 1000 - 5_000);
  await underLease(SUBJECT, scene, nothing, 5_000);
  expect(scene.clock.pauses.length).toBe(20);
});

test('throws when its patience ends before the other is done', async () => {
  const scene = await makeScene();
  await die(scene);
  scene.clock.advance(LEASE_SECONDS * 1000 - 5_000);
  await expect(underLease(SUBJECT, scene, nothing, 4_000)).rejects.toMatchObject(BUSY);
});
