// Does one worker at a time act for a device at the broker?
import { expect, test } from 'vitest';

import { LEASE_SECONDS, releaseLease, takeLease } from '../../../../functions/onboarding/align-broker/lease.ts';
import { makeScene } from '../../scene.ts';

const DEVICE = 'acme-P1001';

test('gives a lease to one worker only', async () => {
  const { registry, clock } = await makeScene();
  expect(await takeLease(DEVICE, registry, clock)).toMatchObject({ device: DEVICE, version: 1 });
  expect(await takeLease(DEVICE, registry, clock)).toBeUndefined();
});

test('gives a lease to one of many workers that ask at once', async () => {
  const { registry, clock } = await makeScene();
  const leases = await Promise.all(Array.from({ length: 20 }, () => takeLease(DEVICE, registry, clock)));
  expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
});

test('keeps the leases of two devices apart', async () => {
  const { registry, clock } = await makeScene();
  await takeLease(DEVICE, registry, clock);
  expect(await takeLease('acme-P1002', registry, clock)).toBeDefined();
});

test('gives it again after it was released', async () => {
  const { registry, clock } = await makeScene();
  const lease = await takeLease(DEVICE, registry, clock);
  if (lease === undefined) throw new Error('expected a lease');
  await releaseLease(lease, registry, clock);
  expect(await takeLease(DEVICE, registry, clock)).toMatchObject({ version: 3 });
});

test('holds it for its whole time after a crash, and no longer', async () => {
  const { registry, clock } = await makeScene();
  await takeLease(DEVICE, registry, clock);
  clock.advance(LEASE_SECONDS * 1000 - 1);
  expect(await takeLease(DEVICE, registry, clock)).toBeUndefined();
  clock.advance(1);
  expect(await takeLease(DEVICE, registry, clock)).toBeDefined();
});

test('lets a worker that overslept release nothing of its successor', async () => {
  const { registry, clock } = await makeScene();
  const late = await takeLease(DEVICE, registry, clock);
  if (late === undefined) throw new Error('expected a lease');
  clock.advance(LEASE_SECONDS * 1000);
  await takeLease(DEVICE, registry, clock);
  await releaseLease(late, registry, clock);
  expect(await takeLease(DEVICE, registry, clock)).toBeUndefined();
});

test('takes a malformed lease for a fault, never for a free device', async () => {
  const { registry, clock } = await makeScene();
  registry.seed({ table: 'devices', pk: `device#${DEVICE}`, sk: 'lease' }, { version: 1, until: 'tomorrow' });
  await expect(takeLease(DEVICE, registry, clock)).rejects.toMatchObject({ code: 'row-malformed' });
});
