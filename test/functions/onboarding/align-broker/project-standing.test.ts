// What does the broker show of a device whose standing has changed? A cut is reversible, a denial is not.
import { describe, expect, test } from 'vitest';

import { projectDevice } from '../../../../functions/onboarding/align-broker/project.ts';
import type { Device } from '../../../../shared/lifecycle.ts';
import { claim, deny, denyListed, quarantine, register } from '../../../../shared/lifecycle-moves.ts';
import type { BrokerStatus } from '../../../../shared/ports.ts';
import { MemoryBroker, type Attached } from '../../../fakes/memory-broker.ts';
import { NOW } from '../../scene.ts';

const CERTIFICATE = 'a'.repeat(64);
const OPEN = { things: ['acme-P1001'], policies: ['registration'] };
const LISTED = { id: 'acme-P1001', manufacturer: 'acme', path: 'jitr', factoryCertificate: CERTIFICATE } as const;
const OWNED = claim({ ...LISTED, owner: 'st-anna', now: NOW });
const REGISTERED = register(OWNED, NOW);
const CUT = made(quarantine(REGISTERED, { level: 'cut', cause: 'compromised', now: NOW }));
const RESTRICTED = made(quarantine(REGISTERED, { level: 'restricted', cause: 'investigation', now: NOW }));
const NEVER_IN = made(quarantine(OWNED, { level: 'restricted', cause: 'investigation', now: NOW }));
const DENIED = made(deny(REGISTERED, { cause: 'stolen', now: NOW }));
const DENIED_UNOWNED = denyListed(LISTED, { cause: 'stolen', now: NOW });

describe('a device that was cut', () => {
  test.each([CUT, NEVER_IN])(
    'is INACTIVE, never REVOKED, and keeps thing and policy, at level $level',
    async (device) => {
      const broker = makeBroker('ACTIVE', OPEN);
      expect(await project(device, broker)).toBe('inactive');
      expect(broker.changes).toEqual([`setStatus ${CERTIFICATE} INACTIVE`]);
      expect(await look(broker)).toEqual({ status: 'INACTIVE', ...OPEN });
    },
  );

  test.each([
    ['PENDING_ACTIVATION', 'inactive', [`setStatus ${CERTIFICATE} INACTIVE`]],
    ['INACTIVE', 'inactive', []],
    ['REVOKED', 'revoked', []],
  ] as const)('from %s shows %s', async (status, shown, changes) => {
    const broker = makeBroker(status);
    expect(await project(CUT, broker)).toBe(shown);
    expect(broker.changes).toEqual(changes);
  });

  test('is stuck while its certificate is being transferred', async () => {
    const broker = makeBroker('PENDING_TRANSFER');
    await expect(project(CUT, broker)).rejects.toMatchObject({ code: 'broker-stuck' });
  });

  test('matches when the broker does not know its certificate, but misses one that was registered beforehand', async () => {
    expect(await project(CUT, new MemoryBroker())).toBe('absent');
    expect(await project({ ...CUT, path: 'registered' }, new MemoryBroker())).toBe('missing');
  });
});

test('a device that was restricted after it was admitted stays as it is: it may go on publishing', async () => {
  const broker = makeBroker('ACTIVE', OPEN);
  expect(await project(RESTRICTED, broker)).toBe('active');
  expect(broker.changes).toEqual([]);
});

describe('T050 a denied device', () => {
  test.each(['PENDING_ACTIVATION', 'ACTIVE', 'INACTIVE'] as const)('is REVOKED, from %s', async (status) => {
    for (const device of [DENIED, DENIED_UNOWNED, { ...DENIED, path: 'registered' } as const]) {
      const broker = makeBroker(status, OPEN);
      expect(await project(device, broker)).toBe('revoked');
      expect(broker.changes).toEqual([`setStatus ${CERTIFICATE} REVOKED`]);
    }
  });

  test('that is REVOKED already, or not there, is left as it is', async () => {
    const broker = makeBroker('REVOKED');
    expect(await project(DENIED, broker)).toBe('revoked');
    expect(broker.changes).toEqual([]);
    for (const path of ['jitr', 'registered'] as const)
      expect(await project({ ...DENIED, path }, new MemoryBroker())).toBe('absent');
  });
});

test('T052 a certificate that was refused for good is REVOKED, whatever its device is', async () => {
  const devices: Device[] = [OWNED, { ...OWNED, path: 'registered' }, REGISTERED, CUT, RESTRICTED, NEVER_IN, DENIED];
  for (const device of devices) {
    const broker = makeBroker('ACTIVE', OPEN);
    expect(await project(device, broker, true)).toBe('revoked');
    expect(broker.changes).toEqual([`setStatus ${CERTIFICATE} REVOKED`]);
  }
});

function project(device: Device, broker: MemoryBroker, revoked = false) {
  return projectDevice(device, { broker, policies: { registration: 'registration', operation: 'operation' }, revoked });
}

function makeBroker(status: BrokerStatus, attached: Attached = {}): MemoryBroker {
  const broker = new MemoryBroker({ policies: ['registration', 'operation'] });
  broker.seed(CERTIFICATE, status, attached);
  return broker;
}

async function look(broker: MemoryBroker) {
  const arn = broker.arnOf(CERTIFICATE);
  const [things, policies] = [await broker.listThings(arn), await broker.listPolicies(arn)];
  return { status: (await broker.findCertificate(CERTIFICATE))?.status, things, policies };
}

function made<D>(device: D | undefined): D {
  if (device === undefined) throw new Error('expected a legal move');
  return device;
}
