// Who certifies whom in the tests? A mock PKI: manufacturers, their devices and their manifest signers.
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
  type Extension,
} from '@peculiar/x509';

import type { Anchor, AnchorPurpose } from '../../shared/identity/anchor.ts';
import { parseCertificate, type Certificate } from '../../shared/identity/certificate.ts';
import { keyPair, P256, type Curve } from './keys.ts';

export interface Party {
  readonly der: Buffer;
  readonly pem: string;
  /** As the product reads it. */
  readonly certificate: Certificate;
  readonly subject: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface Wishes {
  /** Of the key; another name is another key. The subject's name unless told. */
  readonly key?: string;
  readonly curve?: Curve;
  /** Hex; derived from subject and key unless told. */
  readonly serialNumber?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

const VALIDITY = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2046-01-01T00:00:00Z' };
const made = new Map<string, Promise<Party>>();

/** A self-signed certificate authority, with as many authorities below it as anybody likes. */
export function makeAuthority(name = 'Acme Root', wishes: Wishes = {}): Promise<Party> {
  const extensions = [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
  ];
  return issue({ subject: `CN=${name}`, extensions, wishes });
}

/** A factory certificate; `serial` is the device's serial number and stands in the subject. */
export function makeDevice(authority: Party, serial: string, wishes: Wishes = {}): Promise<Party> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ];
  return issue({ subject: `CN=${serial}`, extensions, wishes, issuer: authority });
}

/** A manifest signer: a self-signed certificate that is no authority. */
export function makeSigner(name = 'Acme Manifest Signer', wishes: Wishes = {}): Promise<Party> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  ];
  return issue({ subject: `CN=${name}`, extensions, wishes });
}

/** The party as a trust anchor of a manufacturer. */
export function anchorOf({ certificate }: Party, purpose: AnchorPurpose, manufacturer = 'acme'): Anchor {
  return { version: 1, purpose, manufacturer, certificate };
}

interface Order {
  readonly subject: string;
  readonly extensions: readonly Extension[];
  readonly wishes: Wishes;
  readonly issuer?: Party;
}

/** The same order is the same certificate, as long as the process lives. */
function issue(order: Order): Promise<Party> {
  const { subject, wishes, issuer, extensions } = order;
  const place = JSON.stringify([subject, wishes, issuer?.certificate.fingerprint, extensions.length]);
  const known = made.get(place);
  if (known !== undefined) return known;
  const fresh = sign(order);
  made.set(place, fresh);
  return fresh;
}

async function sign({ subject, extensions, wishes, issuer }: Order): Promise<Party> {
  const { key = subject, curve = P256, serialNumber = serialOf(subject, key) } = wishes;
  const keys = await keyPair(key, curve);
  const made = await X509CertificateGenerator.create(
    {
      subject,
      issuer: issuer?.subject ?? subject,
      serialNumber,
      notBefore: new Date(wishes.notBefore ?? VALIDITY.notBefore),
      notAfter: new Date(wishes.notAfter ?? VALIDITY.notAfter),
      publicKey: keys.publicKey,
      signingKey: issuer?.keys.privateKey ?? keys.privateKey,
      signingAlgorithm: issuer === undefined ? curve : P256,
      extensions: [
        ...extensions,
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer?.keys.publicKey ?? keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const der = Buffer.from(made.rawData);
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') throw new Error(`mock PKI: ${JSON.stringify(certificate.refusal)}`);
  return { der, pem: `${made.toString('pem')}\n`, certificate: certificate.value, subject, keys };
}

// RFC 5280 4.1.2.2: positive, at most 20 octets.
function serialOf(subject: string, key: string): string {
  return `01${hash('sha256', `${subject} ${key}`).slice(0, 30)}`;
}
