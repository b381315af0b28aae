// What must every broker do? AWS IoT Core's own rules, as far as align-broker and teardown lean on them.
import { hash, X509Certificate } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import type { Broker, BrokerCertificate } from '../../shared/ports.ts';

/** Promises that a stage is known not to keep, each with the reason; they are proved on the other stages only. */
export type BrokerBeyond = Partial<
  Record<'revoked-is-final' | 'exclusive-thing' | 'attached-thing-stays' | 'pending-certificates', string>
>;

export interface BrokerStage {
  readonly broker: () => Broker;
  /** A certificate that the broker does not know, under a CA that it does not know either. */
  readonly unknown: () => Promise<{ readonly certificateId: string; readonly pem: string }>;
  /** The same, under an issuing CA that is registered. */
  readonly issued: () => Promise<{ readonly certificateId: string; readonly pem: string }>;
  /** Id of a certificate that was just registered, attached to nothing. */
  readonly register: (status: 'ACTIVE' | 'INACTIVE' | 'PENDING_ACTIVATION') => Promise<string>;
  /** Another name at each call; removed at the end. */
  readonly thingName: () => string;
  /** Two IoT policies that exist. */
  readonly policies: () => readonly [string, string];
  readonly beyond: BrokerBeyond;
}

export function brokerContract(name: string, stage: BrokerStage): void {
  describe(`broker contract: ${name}`, () => {
    registering(stage);
    statuses(stage);
    things(stage);
    policies(stage);
    deleting(stage);
  });
}

async function known(stage: BrokerStage, certificateId: string): Promise<BrokerCertificate> {
  const certificate = await stage.broker().findCertificate(certificateId);
  if (certificate === undefined) throw new Error('expected the certificate to be there');
  return certificate;
}

async function fresh(stage: BrokerStage, status: 'ACTIVE' | 'INACTIVE' = 'INACTIVE'): Promise<BrokerCertificate> {
  return known(stage, await stage.register(status));
}

function registering(stage: BrokerStage): void {
  const { broker } = stage;

  test('registers a certificate whose CA nobody registered, INACTIVE, under its SHA-256, attached to nothing', async () => {
    const { certificateId, pem } = await stage.unknown();
    await broker().registerCertificate(pem);
    const { arn, status } = await known(stage, certificateId);
    expect(status).toBe('INACTIVE');
    expect([await broker().listThings(arn), await broker().listPolicies(arn)]).toEqual([[], []]);
  });

  test('a certificate that is registered again stays as it is, with what it is attached to', async () => {
    const { certificateId, pem } = await stage.unknown();
    await broker().registerCertificate(pem);
    await broker().registerCertificate(pem);
    expect((await known(stage, certificateId)).status).toBe('INACTIVE');
    const { arn } = await known(stage, certificateId);
    const [policy] = stage.policies();
    await broker().attachPolicy(policy, arn);
    for (const status of ['ACTIVE', 'REVOKED'] as const) {
      await broker().setStatus(certificateId, status);
      await broker().registerCertificate(pem);
      expect((await known(stage, certificateId)).status).toBe(status);
      expect(await broker().listPolicies(arn)).toEqual([policy]);
    }
  });

  test('registers a certificate of a registered issuing CA, INACTIVE, once, and leaves it as it became', async () => {
    const { certificateId, pem } = await stage.issued();
    await broker().registerIssued(pem);
    expect((await known(stage, certificateId)).status).toBe('INACTIVE');
    await broker().setStatus(certificateId, 'ACTIVE');
    await broker().registerIssued(pem);
    expect((await known(stage, certificateId)).status).toBe('ACTIVE');
  });

  test('registers no text that is no certificate', async () => {
    await expect(broker().registerCertificate('no certificate')).rejects.toThrow();
    await expect(broker().registerIssued('no certificate')).rejects.toThrow();
  });
}

function statuses(stage: BrokerStage): void {
  const { broker } = stage;

  test('finds no certificate under an id that was never registered', async () => {
    expect(await broker().findCertificate('0'.repeat(64))).toBeUndefined();
  });

  test('finds a certificate with its ARN, its status and itself', async () => {
    const { certificateId, pem: registered } = await stage.unknown();
    await broker().registerCertificate(registered);
    const { arn, pem, ...rest } = await known(stage, certificateId);
    expect(rest).toEqual({ certificateId, status: 'INACTIVE' });
    expect(hash('sha256', new X509Certificate(pem).raw)).toBe(certificateId);
    expect(arn).toMatch(new RegExp(`^arn:aws:iot:[a-z0-9-]+:\\d{12}:cert/${certificateId}$`));
  });

  if (stage.beyond['pending-certificates'] === undefined) {
    test('a certificate that waits for activation becomes ACTIVE', async () => {
      const certificateId = await stage.register('PENDING_ACTIVATION');
      expect((await known(stage, certificateId)).status).toBe('PENDING_ACTIVATION');
      await broker().setStatus(certificateId, 'ACTIVE');
      expect((await known(stage, certificateId)).status).toBe('ACTIVE');
    });
  }

  test('a status that was set is seen', async () => {
    const { certificateId } = await fresh(stage);
    for (const status of ['ACTIVE', 'INACTIVE', 'ACTIVE', 'ACTIVE', 'REVOKED'] as const) {
      await broker().setStatus(certificateId, status);
      expect((await known(stage, certificateId)).status).toBe(status);
    }
  });

  test('sets no status of a certificate that is not there', async () => {
    await expect(broker().setStatus('0'.repeat(64), 'INACTIVE')).rejects.toThrow();
  });

  if (stage.beyond['revoked-is-final'] === undefined) {
    test('a revoked certificate never becomes ACTIVE again', async () => {
      const { certificateId } = await fresh(stage);
      await broker().setStatus(certificateId, 'REVOKED');
      await expect(broker().setStatus(certificateId, 'ACTIVE')).rejects.toThrow();
      expect((await known(stage, certificateId)).status).toBe('REVOKED');
    });
  }
}

function things(stage: BrokerStage): void {
  const { broker } = stage;

  test('creates and attaches a thing, also when it was done before', async () => {
    const { arn } = await fresh(stage);
    const thing = stage.thingName();
    for (let time = 0; time < 2; time += 1) {
      await broker().createThing(thing);
      await broker().attachThing(thing, arn);
      expect(await broker().listThings(arn)).toEqual([thing]);
    }
    await broker().detachThing(thing, arn);
    expect(await broker().listThings(arn)).toEqual([]);
  });

  test('attaches no thing that was not created', async () => {
    const { arn } = await fresh(stage);
    await expect(broker().attachThing(stage.thingName(), arn)).rejects.toThrow();
    expect(await broker().listThings(arn)).toEqual([]);
  });

  if (stage.beyond['exclusive-thing'] === undefined) {
    test('attaches a certificate to no second thing', async () => {
      const { arn } = await fresh(stage);
      const [first, second] = [stage.thingName(), stage.thingName()];
      await broker().createThing(first);
      await broker().createThing(second);
      await broker().attachThing(first, arn);
      await expect(broker().attachThing(second, arn)).rejects.toThrow();
      expect(await broker().listThings(arn)).toEqual([first]);
    });
  }

  if (stage.beyond['attached-thing-stays'] === undefined) {
    test('deletes no thing that a certificate is attached to', async () => {
      const { arn } = await fresh(stage);
      const thing = stage.thingName();
      await broker().createThing(thing);
      await broker().attachThing(thing, arn);
      await expect(broker().deleteThing(thing)).rejects.toThrow();
      expect(await broker().listThings(arn)).toEqual([thing]);
    });
  }

  test('deletes a thing; deleting what is absent is fine', async () => {
    const { arn } = await fresh(stage);
    const thing = stage.thingName();
    await broker().createThing(thing);
    await broker().deleteThing(thing);
    await broker().deleteThing(thing);
    await expect(broker().attachThing(thing, arn)).rejects.toThrow();
  });
}

function policies(stage: BrokerStage): void {
  const { broker } = stage;

  test('attaches policies, also when it was done before, and detaches one', async () => {
    const { arn } = await fresh(stage);
    const [first, second] = stage.policies();
    for (const policy of [first, second, first]) await broker().attachPolicy(policy, arn);
    expect([...(await broker().listPolicies(arn))].sort()).toEqual([first, second].sort());
    await broker().detachPolicy(first, arn);
    expect(await broker().listPolicies(arn)).toEqual([second]);
  });

  test('names every certificate that a policy is attached to', async () => {
    const [a, b] = [await fresh(stage), await fresh(stage)];
    const [policy, other] = stage.policies();
    await broker().attachPolicy(policy, a.arn);
    await broker().attachPolicy(policy, b.arn);
    const targets = await broker().listPolicyTargets(policy);
    expect(targets).toEqual(expect.arrayContaining([a.arn, b.arn]));
    expect(await broker().listPolicyTargets(other)).not.toContain(a.arn);
  });

  test('a policy that does not exist has no targets and cannot be attached', async () => {
    const { arn } = await fresh(stage);
    const absent = stage.thingName();
    expect(await broker().listPolicyTargets(absent)).toEqual([]);
    await expect(broker().attachPolicy(absent, arn)).rejects.toThrow();
    expect(await broker().listPolicies(arn)).toEqual([]);
  });
}

function deleting(stage: BrokerStage): void {
  const { broker } = stage;

  test.each(['INACTIVE', 'REVOKED'] as const)('deletes a certificate that is %s; absent is fine', async (status) => {
    const { certificateId } = await fresh(stage, 'ACTIVE');
    await broker().setStatus(certificateId, status);
    await broker().deleteCertificate(certificateId);
    await broker().deleteCertificate(certificateId);
    expect(await broker().findCertificate(certificateId)).toBeUndefined();
  });

  test('deletes no certificate that is ACTIVE', async () => {
    const { certificateId } = await fresh(stage, 'ACTIVE');
    await expect(broker().deleteCertificate(certificateId)).rejects.toThrow();
    expect((await known(stage, certificateId)).status).toBe('ACTIVE');
  });

  test('deletes no certificate that has a policy', async () => {
    const { certificateId, arn } = await fresh(stage);
    const [policy] = stage.policies();
    await broker().attachPolicy(policy, arn);
    await expect(broker().deleteCertificate(certificateId)).rejects.toThrow();
    expect(await broker().listPolicies(arn)).toEqual([policy]);
  });

  test('deletes no certificate that has a thing', async () => {
    const { certificateId, arn } = await fresh(stage);
    const thing = stage.thingName();
    await broker().createThing(thing);
    await broker().attachThing(thing, arn);
    await expect(broker().deleteCertificate(certificateId)).rejects.toThrow();
    expect(await broker().listThings(arn)).toEqual([thing]);
  });
}
