// With what does a device ask for a certificate? A key made for it, and a CSR by that key (RFC 2986).
import 'reflect-metadata';
import { PemConverter, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';

import type { Requested } from './identities.ts';

/** Asked with until it is answered, byte for byte: the service answers the same request with the same certificate. */
export async function makeRequest(id: string): Promise<Requested> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const csr = await Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: [id] }], keys, signingAlgorithm: ALGORITHM },
    webcrypto,
  );
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return {
    requestId: randomBytes(16).toString('base64url'),
    csr: Buffer.from(csr.rawData).toString('base64url'),
    key: `${key}\n`,
  };
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
