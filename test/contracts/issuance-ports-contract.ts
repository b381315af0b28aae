// What must the small ports of issuance do, whoever keeps them? Lists are stored as they are, orders arrive as they were sent,
// keys are described as they were made, and a device hears what was published.
import { describe, expect, test } from 'vitest';

import type {
  DeviceTopics,
  KeyInspector,
  RevocationListStore,
  SigningOrder,
  SigningQueue,
} from '../../shared/ports.ts';

export function revocationListStoreContract(name: string, store: () => RevocationListStore): void {
  describe(`revocation list store contract: ${name}`, () => {
    test('has nothing under a name that was never written', async () => {
      expect(await store().read('revocation-lists/never.crl')).toBeUndefined();
    });

    test('answers the bytes that were written last, whatever they are', async () => {
      for (const bytes of [new Uint8Array([0, 255, 128]), new Uint8Array(70_000).fill(7)]) {
        await store().write('revocation-lists/a.crl', bytes);
        expect(Buffer.from((await store().read('revocation-lists/a.crl')) ?? [])).toEqual(Buffer.from(bytes));
      }
    });

    test('keeps two names apart', async () => {
      await store().write('revocation-lists/b.crl', new Uint8Array([1]));
      await store().write('revocation-lists/c.crl', new Uint8Array([2]));
      expect([...((await store().read('revocation-lists/b.crl')) ?? [])]).toEqual([1]);
    });
  });
}

export interface SigningQueueStage {
  readonly queue: () => SigningQueue;
  /** Bodies since the last call. */
  readonly arrived: () => Promise<readonly string[]>;
}

export function signingQueueContract(name: string, { queue, arrived }: SigningQueueStage): void {
  test(`signing queue contract: ${name}: an order arrives as it was sent, as often as it was sent`, async () => {
    const order: SigningOrder = {
      intent: { kind: 'certificate', device: 'acme-A1', requestId: 'r-1' },
      key: 'issuing',
      algorithm: 'ES256',
      tbs: Buffer.alloc(600, 1).toString('base64'),
    };
    await queue().request(order);
    await queue().request(order);
    expect((await arrived()).map((body) => JSON.parse(body) as unknown)).toEqual([order, order]);
  });
}

export interface KeyInspectorStage {
  readonly inspector: () => KeyInspector;
  /** Makes a P-256 signing key with these tags; answers its ARN and its public key. */
  readonly makeKey: (tags: Readonly<Record<string, string>>) => Promise<{ arn: string; publicKey: Uint8Array }>;
  readonly disable: (arn: string) => Promise<void>;
  readonly absent: () => string;
}

export function keyInspectorContract(name: string, stage: KeyInspectorStage): void {
  describe(`key inspector contract: ${name}`, () => {
    test('describes a signing key: kind, state, tags, policy and public key', async () => {
      const { arn, publicKey } = await stage.makeKey({ 'wardkey:purpose': 'issuing', 'wardkey:owner': 'st-anna' });
      const key = await stage.inspector().describe(arn);
      expect(key).toMatchObject({
        ...{ spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY', status: 'Enabled' },
        tags: { 'wardkey:purpose': 'issuing', 'wardkey:owner': 'st-anna' },
      });
      expect(JSON.parse(key?.policy ?? '')).toHaveProperty('Statement');
      expect(Buffer.from(key?.publicKey ?? [])).toEqual(Buffer.from(publicKey));
    });

    test('says of a key that it is disabled', async () => {
      const { arn } = await stage.makeKey({});
      await stage.disable(arn);
      expect(await stage.inspector().describe(arn)).toMatchObject({ status: 'Disabled', tags: {} });
    });

    test('knows nothing of a key that was never made', async () => {
      expect(await stage.inspector().describe(stage.absent())).toBeUndefined();
    });
  });
}

export interface DeviceTopicsStage {
  readonly topics: () => DeviceTopics;
  /** Begins to listen on the topic; answers the next message. */
  readonly listen: (topic: string) => Promise<() => Promise<string>>;
}

export function deviceTopicsContract(name: string, { topics, listen }: DeviceTopicsStage): void {
  test(`device topics contract: ${name}: who listens hears the message as JSON, and nobody else does`, async () => {
    const next = await listen('wardkey/acme-A1/certificate/accepted');
    await topics().publish('wardkey/acme-A2/certificate/accepted', { kind: 'for another' });
    await topics().publish('wardkey/acme-A1/certificate/accepted', { kind: 'issued', chain: ['a', 'ü'] });
    expect(JSON.parse(await next())).toEqual({ kind: 'issued', chain: ['a', 'ü'] });
  });
}
