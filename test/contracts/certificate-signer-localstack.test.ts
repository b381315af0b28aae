// Does a signing key in AWS KMS keep its promises in a second reading too? In LocalStack's KMS, which was written by others.
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, describe, expect, test } from 'vitest';

import type { SignatureAttempt } from '../../shared/ports.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import { HAVE_LOCALSTACK, startLocalStack } from '../counterparts/localstack/server.ts';
import { kmsCertificateSignerContract, kmsSigner, makeKey, SPECS } from './certificate-signer-kms-contract.ts';
import { Cleanup } from './local-aws.ts';

const BYTES = Buffer.from('a certificate to be signed');

describe.skipIf(!HAVE_LOCALSTACK)('LocalStack', () => {
  const cleanup = new Cleanup();
  let client: KMSClient;

  afterAll(() => cleanup.run());

  kmsCertificateSignerContract('AWS KMS (LocalStack)', {
    algorithms: ['ES256', 'ES384'], // LocalStack 4.14 has no Ed25519
    client: async () => {
      const { settings, stop } = await startLocalStack();
      cleanup.later(stop);
      return (client = new KMSClient({ ...settings, maxAttempts: 1 }));
    },
    cleanup,
  });

  // What it gets wrong: AWS answers InvalidKeyUsageException to both, and is then asked once.
  describe('a key that signs by another algorithm', () => {
    test('of another family is a fault of LocalStack itself, and is asked for four times', async () => {
      const keyArn = await makeKey(client, 'RSA_2048', cleanup);
      const attempts: SignatureAttempt[] = [];
      const signer = kmsSigner(client, { keyArn, algorithm: 'ES256', attempts });
      await expect(signer.sign(BYTES)).rejects.toMatchObject({ name: 'InternalError' });
      expect(attempts).toHaveLength(4);
      await expect(signVerified(signer, BYTES)).rejects.toMatchObject({ code: 'key-unusable' });
    });

    test('of another curve signs in LocalStack: only its public key keeps us from asking', async () => {
      const keyArn = await makeKey(client, SPECS.ES384, cleanup);
      const attempts: SignatureAttempt[] = [];
      const signer = kmsSigner(client, { keyArn, algorithm: 'ES256', attempts });
      expect((await signer.sign(BYTES)).length).toBeGreaterThan(72);
      await expect(signVerified(signer, BYTES)).rejects.toMatchObject({ code: 'key-unusable' });
      expect(attempts).toHaveLength(1);
    });
  });

  test('makes no key of Ed25519: the day it does, the contract runs with it', async () => {
    const key = new CreateKeyCommand({ KeySpec: SPECS.EdDSA, KeyUsage: 'SIGN_VERIFY' });
    await expect(client.send(key)).rejects.toMatchObject({ name: 'ValidationException' });
  });
});
