// Signing keys in AWS KMS, opened as they are named. Decides nothing.
import type { KMSClient } from '@aws-sdk/client-kms';

import type { CertificateSigner, Clock, KeyHomes } from '../ports.ts';
import { kmsCertificateSigner } from './kms-certificate-signer.ts';

/** `client` is made with `maxAttempts: 1`. The public key of each key is asked once. */
export function kmsKeyHomes(client: KMSClient, clock: Pick<Clock, 'pause'>): KeyHomes {
  const publicKeys = new Map<string, Promise<Uint8Array>>();
  return {
    open({ keyArn, algorithm }, recordAttempt): CertificateSigner {
      const signer = kmsCertificateSigner({ client, keyArn, algorithm, clock, recordAttempt });
      const publicKey = () => {
        const known = publicKeys.get(keyArn) ?? signer.publicKey();
        publicKeys.set(keyArn, known);
        // One that failed is asked again.
        known.catch(() => publicKeys.delete(keyArn));
        return known;
      };
      return { ...signer, publicKey };
    },
  };
}
