// Do the key stores of the fakes and the adapter of AWS KMS keep the same promises? The adapter speaks to a server of ours that
// answers as the service documents.
import { KMSClient } from '@aws-sdk/client-kms';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { kmsKeyStores } from '../../shared/aws/kms-key-stores.ts';
import { openHsmHttp, type HsmHttp } from '../fakes/hsm-http.ts';
import { MemoryHsmFleet } from '../fakes/memory-hsm-fleet.ts';
import { MemoryKeyStores } from '../fakes/memory-key-stores.ts';
import { keyStoresContract } from './key-stores-contract.ts';

let fleet: MemoryHsmFleet;
let memory: MemoryKeyStores;
let http: HsmHttp;

beforeEach(async () => {
  fleet = new MemoryHsmFleet();
  memory = new MemoryKeyStores(fleet);
  http = await openHsmHttp(fleet, memory);
});
afterEach(() => http.close());

const adapter = (maxAttempts = 1) =>
  kmsKeyStores(
    new KMSClient({
      region: 'eu-central-1',
      endpoint: http.endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts,
    }),
  );

keyStoresContract('in memory', { stores: () => memory, world: () => ({ fleet, memory }) });
keyStoresContract('AWS KMS (over HTTP)', { stores: adapter, world: () => ({ fleet, memory }) });

test.each(['CustomKeyStoreId', 'CustomKeyStoreName', 'CloudHsmClusterId', 'ConnectionState'])(
  'takes no key store without %s',
  async (member) => {
    const entry = {
      CustomKeyStoreId: 'cks-1',
      CustomKeyStoreName: 'ward',
      CustomKeyStoreType: 'AWS_CLOUDHSM',
      CloudHsmClusterId: 'cluster-1',
      ConnectionState: 'CONNECTED',
      [member]: undefined,
    };
    http.answerNext({ status: 200, body: { CustomKeyStores: [entry], Truncated: false } });
    await expect(adapter().list()).rejects.toMatchObject({ code: 'answer-malformed' });
  },
);

test.each([
  ['AccessDeniedException', 400],
  ['KMSInternalException', 500],
])('%s is a fault and no absence of key stores', async (name, status) => {
  http.answerNext({ status, body: { __type: name, message: 'told to' } });
  await expect(adapter().list()).rejects.toMatchObject({ name });
});

test.each<[string, (password: string) => Promise<unknown>]>([
  ['create', (password) => adapter().create({ name: 'a', clusterId: 'b', trustAnchor: 'c', password })],
  ['setPassword', (password) => adapter().setPassword('cks-1', password)],
])('the password is in no error of %s, though the service quotes it', async (_call, act) => {
  const message = "1 validation error: Value 'Canary5150' at 'keyStorePassword' failed to satisfy constraint";
  http.answerNext({ status: 400, body: { __type: 'ValidationException', message } });
  const error = await act('Canary5150').then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  expect(error?.message).toContain("Value '[password]' at 'keyStorePassword'");
  expect(`${error?.stack ?? ''} ${JSON.stringify(error)} ${String(error?.cause)}`).not.toContain('Canary5150');
});

test('sends the kind of key store in words, and the password to KMS alone', async () => {
  await adapter().create({ name: 'ward', clusterId: 'cluster-1', trustAnchor: 'PEM', password: 'kmsPswd2026' });
  expect(http.calls).toEqual([
    {
      action: 'TrentService.CreateCustomKeyStore',
      body: {
        CustomKeyStoreName: 'ward',
        CustomKeyStoreType: 'AWS_CLOUDHSM',
        CloudHsmClusterId: 'cluster-1',
        TrustAnchorCertificate: 'PEM',
        KeyStorePassword: 'kmsPswd2026',
      },
    },
  ]);
});
