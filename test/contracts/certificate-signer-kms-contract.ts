// What must a signing key in AWS KMS do besides what every home of one does? Be one key, and show each call; whichever KMS answers.
import { CreateKeyCommand, DisableKeyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import type { KeySpec, KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, describe, expect, test } from 'vitest';

import { kmsCertificateSigner } from '../../shared/aws/kms-certificate-signer.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import type { CertificateSigner, SignatureAttempt, SigningAlgorithm } from '../../shared/ports.ts';
import { FixedClock } from '../fakes/fixed-clock.ts';
import { certificateSignerContract } from './certificate-signer-contract.ts';
import type { Cleanup } from './local-aws.ts';

export const SPECS = { ES256: 'ECC_NIST_P256', ES384: 'ECC_NIST_P384', EdDSA: 'ECC_NIST_EDWARDS25519' } as const;
const BYTES = Buffer.from('a certificate to be signed');

export interface KmsStage {
  /** What this KMS can do; ES256 and ES384 are among them. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** Asked once, before the first test. */
  readonly client: () => Promise<KMSClient>;
  readonly cleanup: Cleanup;
}

export function kmsCertificateSignerContract(name: string, { algorithms, client: open, cleanup }: KmsStage): void {
  const arns = new Map<SigningAlgorithm, string>();
  const attempts: SignatureAttempt[] = [];
  let client: KMSClient;

  beforeAll(async () => {
    client = await open();
    for (const algorithm of algorithms) arns.set(algorithm, await makeKey(client, SPECS[algorithm], cleanup));
  }, 60_000);

  const signerOf = (keyArn: string, algorithm: SigningAlgorithm = 'ES256') =>
    kmsSigner(client, { keyArn, algorithm, attempts });

  certificateSignerContract(name, {
    algorithms,
    signer: (algorithm) => signerOf(arns.get(algorithm) ?? '', algorithm),
  });

  describe(name, () => {
    test('reports each call to Sign, with the request id that CloudTrail knows it by', async () => {
      const keyArn = arns.get('ES256') ?? '';
      attempts.splice(0);
      await signVerified(signerOf(keyArn), BYTES);
      expect(attempts).toEqual([{ keyArn, number: 1, error: undefined, requestId: expect.any(String) as string }]);
    });

    test.each<[string, (KeyId: string) => Promise<unknown>]>([
      ['is disabled', (KeyId) => client.send(new DisableKeyCommand({ KeyId }))],
      [
        'waits for its deletion',
        (KeyId) => client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })),
      ],
    ])('calls a key that %s unusable, and asks once', async (_what, end) => {
      const keyArn = await makeKey(client, 'ECC_NIST_P256', cleanup);
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
  });
}

export async function makeKey(client: KMSClient, spec: KeySpec, cleanup: Cleanup): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
  const KeyId = KeyMetadata?.Arn ?? '';
  // A second time is an error, and changes nothing.
  cleanup.later(() =>
    client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })).catch(() => undefined),
  );
  return KeyId;
}

export interface KmsKey {
  readonly keyArn: string;
  readonly algorithm: SigningAlgorithm;
  /** Each call to Sign is added. */
  readonly attempts: SignatureAttempt[];
}

export function kmsSigner(client: KMSClient, { keyArn, algorithm, attempts }: KmsKey): CertificateSigner {
  const recordAttempt = (attempt: SignatureAttempt) => {
    attempts.push(attempt);
    return Promise.resolve();
  };
  return kmsCertificateSigner({ client, keyArn, algorithm, clock: new FixedClock(), recordAttempt });
}
