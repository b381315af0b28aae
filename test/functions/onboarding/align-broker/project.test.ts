// What does the broker show after a projection, from whatever state it was found in?
import { describe, expect, test } from 'vitest';

import { projectDevice } from '../../../../functions/onboarding/align-broker/project.ts';
import type { Device } from '../../../../shared/lifecycle.ts';
import type { BrokerStatus } from '../../../../shared/ports.ts';
import { MemoryBroker, type Attached } from '../../../fakes/memory-broker.ts';
import { NOW } from '../../scene.ts';

const CERTIFICATE = 'a'.repeat(64);
const POLICIES = { registration: 'registration', operation: 'operation' };
const CORE = {
  id: 'acme-P1001',
  version: 3,
  owner: 'st-anna',
  epoch: 1,
  manufacturer: 'acme',
  path: 'jitr',
  factoryCertificate: CERTIFICATE,
  proof: 'claim',
} as const;
const OWNED: Device = { ...CORE, state: 'owned' };
const REGISTERED: Device = { ...CORE, state: 'registered', registeredAt: NOW };

describe('a registered device', () => {
  test.each(['PENDING_ACTIVATION', 'INACTIVE', 'ACTIVE'] as const)(
    'is active with thing and policy, from %s',
    async (status) => {
      const broker = makeBroker(status);
      expect(await project(REGISTERED, broker)).toBe('active');
      expect(await look(broker)).toEqual({ status: 'ACTIVE', things: ['acme-P1001'], policies: ['registration'] });
    },
  );

  test('T049 becomes ACTIVE last, after its thing and its policy', async () => {
    const broker = makeBroker('PENDING_ACTIVATION');
    await project(REGISTERED, broker);
    expect(broker.changes).toEqual([
      'createThing acme-P1001',
      `attachThing acme-P1001 ${CERTIFICATE}`,
      `attachPolicy registration ${CERTIFICATE}`,
      `setStatus ${CERTIFICATE} ACTIVE`,
    ]);
  });

  test('loses another thing and another policy that hung on its certificate', async () => {
    const broker = makeBroker('INACTIVE');
    const arn = broker.arnOf(CERTIFICATE);
    await broker.createThing('acme-P6666');
    await broker.attachThing('acme-P6666', arn);
    await broker.attachPolicy('operation', arn);
    await project(REGISTERED, broker);
    expect(await look(broker)).toEqual({ status: 'ACTIVE', things: ['acme-P1001'], policies: ['registration'] });
  });

  test('is left alone when its active certificate shows exactly that', async () => {
    const broker = makeBroker('PENDING_ACTIVATION');
    await project(REGISTERED, broker);
    const before = broker.changes.length;
    expect(await project(REGISTERED, broker)).toBe('active');
    expect(broker.changes.slice(before)).toEqual([]);
  });

  test.each<[name: string, things: readonly string[], policies: readonly string[]]>([
    ['nothing', [], []],
    ['no thing', [], ['registration']],
    ['no policy', ['acme-P1001'], []],
    ['another thing', ['acme-P6666'], ['registration']],
    ['another policy', ['acme-P1001'], ['operation']],
    ['one thing more', ['acme-P1001', 'acme-P6666'], ['registration']],
    ['one policy more', ['acme-P1001'], ['operation', 'registration']],
  ])('T049 with %s on its active certificate is closed first and opened last', async (_name, things, policies) => {
    const broker = makeBroker('ACTIVE', { things, policies });
    await project(REGISTERED, broker);
    expect(broker.changes[0]).toBe(`setStatus ${CERTIFICATE} INACTIVE`);
    expect(broker.changes.at(-1)).toBe(`setStatus ${CERTIFICATE} ACTIVE`);
    expect(broker.changes.filter((change) => change.startsWith('setStatus'))).toHaveLength(2);
    expect(await look(broker)).toEqual({ status: 'ACTIVE', things: ['acme-P1001'], policies: ['registration'] });
  });

  test.each(['REVOKED', 'PENDING_TRANSFER'] as const)('is stuck when its certificate is %s', async (status) => {
    const broker = makeBroker(status);
    await expect(project(REGISTERED, broker)).rejects.toMatchObject({ code: 'broker-stuck' });
    expect(broker.changes).toEqual([]);
  });

  test('is absent when the broker does not have its certificate', async () => {
    const broker = new MemoryBroker();
    expect(await project(REGISTERED, broker)).toBe('absent');
    expect(broker.changes).toEqual([]);
  });

  test.each(['acme-+', 'acme-#', 'acme-*', 'acme-${iot:ClientId}', 'acme/P1001', 'acme-P1001\n', '', 'a'.repeat(65)])(
    'T035 is no device when its stored id is "%s", before any call that changes something',
    async (id) => {
      const broker = makeBroker('PENDING_ACTIVATION');
      await expect(project({ ...REGISTERED, id }, broker)).rejects.toMatchObject({
        code: 'row-malformed',
      });
      expect(broker.changes).toEqual([]);
    },
  );
});

describe('an owned device', () => {
  test.each(['ACTIVE', 'INACTIVE', 'REVOKED'] as const)(
    'has no factory certificate afterwards, from %s',
    async (status) => {
      const broker = makeBroker('INACTIVE');
      const arn = broker.arnOf(CERTIFICATE);
      await broker.createThing('acme-P1001');
      await broker.attachThing('acme-P1001', arn);
      await broker.attachPolicy('operation', arn);
      await broker.setStatus(CERTIFICATE, status);
      expect(await project(OWNED, broker)).toBe('absent');
      expect(await broker.findCertificate(CERTIFICATE)).toBeUndefined();
    },
  );

  test('is closed before its policy and its thing go', async () => {
    const broker = makeBroker('PENDING_ACTIVATION');
    await project(REGISTERED, broker);
    const before = broker.changes.length;
    await project(OWNED, broker);
    expect(broker.changes.slice(before).map((change) => change.split(' ')[0])).toEqual([
      'setStatus',
      'detachPolicy',
      'detachThing',
      'deleteCertificate',
    ]);
  });

  test.each([
    ['ACTIVE', ['INACTIVE']],
    ['INACTIVE', []],
    ['REVOKED', []],
  ] as const)(
    'loses a certificate that is %s with the statuses %j: only an open one is closed',
    async (status, set) => {
      const broker = makeBroker(status);
      await project(OWNED, broker);
      expect(broker.changes).toEqual([
        ...set.map((next) => `setStatus ${CERTIFICATE} ${next}`),
        `deleteCertificate ${CERTIFICATE}`,
      ]);
    },
  );

  test('is left waiting when its certificate waits for activation: its next connect asks again', async () => {
    const broker = makeBroker('PENDING_ACTIVATION');
    expect(await project(OWNED, broker)).toBe('waiting');
    expect(broker.changes).toEqual([]);
  });
});

describe('an owned device of the path "registered"', () => {
  const CHIP: Device = { ...OWNED, path: 'registered' };

  test.each(['INACTIVE', 'ACTIVE'] as const)(
    'is active with thing and registration policy, from %s: no connect could bring its certificate back',
    async (status) => {
      const broker = makeBroker(status);
      expect(await project(CHIP, broker)).toBe('active');
      expect(await look(broker)).toEqual({ status: 'ACTIVE', things: ['acme-P1001'], policies: ['registration'] });
      expect(broker.changes.at(-1)).toBe(`setStatus ${CERTIFICATE} ACTIVE`);
      expect(broker.changes.filter((change) => change.startsWith('deleteCertificate'))).toEqual([]);
    },
  );

  test('misses its certificate when the broker does not show it: it never settles as absent', async () => {
    const broker = new MemoryBroker();
    expect(await project(CHIP, broker)).toBe('missing');
    expect(broker.changes).toEqual([]);
  });

  test('is stuck when its certificate is REVOKED', async () => {
    const broker = makeBroker('REVOKED');
    await expect(project(CHIP, broker)).rejects.toMatchObject({ code: 'broker-stuck' });
    expect(broker.changes).toEqual([]);
  });
});

function project(device: Device, broker: MemoryBroker) {
  return projectDevice(device, { broker, policies: POLICIES, revoked: false });
}

function makeBroker(status: BrokerStatus, attached: Attached = {}): MemoryBroker {
  const broker = new MemoryBroker({ policies: ['registration', 'operation'] });
  broker.seed(CERTIFICATE, status, attached);
  return broker;
}

async function look(broker: MemoryBroker) {
  const certificate = await broker.findCertificate(CERTIFICATE);
  const arn = broker.arnOf(CERTIFICATE);
  return {
    status: certificate?.status,
    things: await broker.listThings(arn),
    policies: await broker.listPolicies(arn),
  };
}
