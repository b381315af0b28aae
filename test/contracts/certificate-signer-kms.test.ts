// Does a signing key in AWS KMS keep the promises of every home of one, and show each call that it makes?
import {
  CreateKeyCommand,
  DisableKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
  type KeySpec,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { kmsCertificateSigner, type SignAttempt } from '../../shared/aws/kms-certificate-signer.ts';
import { signVerified } from '../../shared/issuance/verified-signature.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { FixedClock } from '../fakes/fixed-clock.ts';
import { certificateSignerContract } from './certificate-signer-contract.ts';
import { Cleanup, clientSettings, localAws } from './local-aws.ts';

const SPECS = { ES256: 'ECC_NIST_P256', ES384: 'ECC_NIST_P384', EdDSA: 'ECC_NIST_EDWARDS25519' } as const;
const EVERY = Object.keys(SPECS) as readonly SigningAlgorithm[];
const BYTES = Buffer.from('a certificate to be signed');

const cleanup = new Cleanup();
const arns = new Map<SigningAlgorithm, string>();
const attempts: SignAttempt[] = [];
let client: KMSClient;

beforeAll(async () => {
  client = new KMSClient({ ...clientSettings(await localAws()), maxAttempts: 1 });
  for (const algorithm of EVERY) arns.set(algorithm, await makeKey(SPECS[algorithm]));
}, 60_000);

afterAll(() => cleanup.run());

certificateSignerContract('AWS KMS (local cloud)', {
  algorithms: EVERY,
  signer: (algorithm) => signerOf(arns.get(algorithm) ?? '', algorithm),
});

test('reports each call to Sign, with the request id that CloudTrail knows it by', async () => {
  const keyArn = arns.get('ES256') ?? '';
  attempts.splice(0);
  await signVerified(signerOf(keyArn), BYTES);
  expect(attempts).toEqual([{ keyArn, number: 1, error: undefined, requestId: expect.any(String) as string }]);
});

test.each<[string, (KeyId: string) => Promise<unknown>]>([
  ['is disabled', (KeyId) => client.send(new DisableKeyCommand({ KeyId }))],
  ['waits for its deletion', (KeyId) => client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))],
])('calls a key that %s unusable, and asks once', async (_what, end) => {
  const keyArn = await makeKey('ECC_NIST_P256');
  await end(keyArn);
  attempts.splice(0);
  await expect(signerOf(keyArn).sign(BYTES)).rejects.toMatchObject({ code: 'key-unusable' });
  expect(attempts).toMatchObject([{ number: 1 }]);
});

test('calls a key that is not there unusable', async () => {
  const keyArn = (arns.get('ES256') ?? '').replace(/[^/]+$/, '00000000-0000-4000-8000-000000000000');
  await expect(signerOf(keyArn).publicKey()).rejects.toMatchObject({ code: 'key-unusable' });
  await expect(signerOf(keyArn).sign(BYTES)).rejects.toMatchObject({ code: 'key-unusable' });
});

test('calls a key of another kind than its algorithm has unusable', async () => {
  await expect(signerOf(arns.get('ES384') ?? '').publicKey()).rejects.toMatchObject({ code: 'key-unusable' });
});

test('takes the ARN of a key only: KMS answers with it, whatever it was asked by', async () => {
  const id = (arns.get('ES256') ?? '').replace(/^.*\//, '');
  await expect(signerOf(id).publicKey()).rejects.toMatchObject({ code: 'answer-malformed' });
  await expect(signerOf(id).sign(BYTES)).rejects.toMatchObject({ code: 'answer-malformed' });
});

async function makeKey(spec: KeySpec): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
  const KeyId = KeyMetadata?.Arn ?? '';
  // A second time is an error, and changes nothing.
  cleanup.later(() =>
    client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })).catch(() => undefined),
  );
  return KeyId;
}

function signerOf(keyArn: string, algorithm: SigningAlgorithm = 'ES256'): CertificateSigner {
  const recordAttempt = (attempt: SignAttempt) => {
    attempts.push(attempt);
    return Promise.resolve();
  };
  return kmsCertificateSigner({ client, keyArn, algorithm, clock: new FixedClock(), recordAttempt });
}
