// Who stands between a root and a device in the tests? Certificate authorities that another one certified.
import 'reflect-metadata';

import { hash, webcrypto } from 'node:crypto';

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

import { parseCertificate } from '../../shared/identity/certificate.ts';
import type { Party } from './certificates.ts';
import { keyPair, P256 } from './keys.ts';

/** An authority below another; `ca: false` looks the same and may not issue. */
export async function makeIntermediate(issuer: Party, name: string, { ca = true } = {}): Promise<Party> {
  return certify(name, { ca, issuer, keys: await keyPair(name), algorithm: P256 });
}

/** A root whose key anybody can factor one day, and a device of it with a good key. */
export async function makeWeakHouse(): Promise<{ readonly root: Party; readonly device: Party }> {
  const keys = await webcrypto.subtle.generateKey(RSA_1024, true, ['sign', 'verify']);
  const root = await certify('Weak Root', { ca: true, keys, algorithm: RSA_1024 });
  const order = { ca: false, issuer: root, keys: await keyPair('of a weak house'), algorithm: RSA_1024 };
  return { root, device: await certify('A1', order) };
}

const RSA_1024 = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 1024,
  publicExponent: Uint8Array.of(1, 0, 1),
};

interface Order {
  readonly ca: boolean;
  readonly issuer?: Party;
  readonly keys: webcrypto.CryptoKeyPair;
  /** Of the issuer's signature. */
  readonly algorithm: typeof P256 | typeof RSA_1024;
}

async function certify(name: string, { ca, issuer, keys, algorithm }: Order): Promise<Party> {
  const made = await X509CertificateGenerator.create(
    {
      subject: `CN=${name}`,
      issuer: issuer?.subject ?? `CN=${name}`,
      serialNumber: `01${hash('sha256', name).slice(0, 30)}`,
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2046-01-01T00:00:00Z'),
      publicKey: keys.publicKey,
      signingKey: issuer?.keys.privateKey ?? keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(ca, undefined, true),
        new KeyUsagesExtension(ca ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer?.keys.publicKey ?? keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const der = Buffer.from(made.rawData);
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') throw new Error(`mock PKI: ${JSON.stringify(certificate.refusal)}`);
  return { der, pem: made.toString('pem'), certificate: certificate.value, subject: `CN=${name}`, keys };
}
