// Does a signing key in AWS KMS keep the promises of every home of one, and show each call that it makes? In the local cloud.
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll } from 'vitest';

import { kmsCertificateSignerContract } from './certificate-signer-kms-contract.ts';
import { Cleanup, clientSettings, localAws } from './local-aws.ts';

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

kmsCertificateSignerContract('AWS KMS (local cloud)', {
  algorithms: ['ES256', 'ES384', 'EdDSA'],
  client: async () => new KMSClient({ ...clientSettings(await localAws()), maxAttempts: 1 }),
  cleanup,
});
