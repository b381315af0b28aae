// Which certificates does a factory make? A device CA, a manifest signer, one leaf per device: the profile of README.md.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  AuthorityKeyIdentifierExtension,
  SubjectKeyIdentifierExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  PublicKey,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
} from '@peculiar/x509';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';

import type { CertificateSigner } from '../../shared/ports.ts';
import { signByToken, type Draft } from './token-signature.ts';

/** PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export type Issuer = Issued;

/** Of a CA or a manifest signer: PKCS #8 in PEM, or in a token. */
export type SigningKey = string | CertificateSigner;

export interface SigningIssuer {
  readonly certificate: string;
  readonly key: SigningKey;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 3600 * 1000;

/** `key`: of the subject. All three make a certificate for a key that is there already. */
export function issueAuthority(name: string, key: SigningKey): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
  return issue({ name, key, years: 20, extensions });
}

export function issueSigner(name: string, key: SigningKey, issuer: SigningIssuer): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  ];
  return issue({ name, key, years: 5, extensions, issuer });
}

/** A factory certificate outlives the device: nobody can renew it in the field. */
export function issueDevice(serial: string, key: string, issuer: SigningIssuer, validity?: Validity): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ];
  return issue({ name: serial, key, years: 15, extensions, issuer, ...(validity === undefined ? {} : { validity }) });
}

/** A device with a key made for it. */
export async function issueCertificate(serial: string, issuer: SigningIssuer, validity?: Validity): Promise<Issued> {
  const key = await makeKey();
  return { certificate: await issueDevice(serial, key, issuer, validity), key };
}

/** Milliseconds since 1970; otherwise from now on. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

/** P-256, PKCS #8 in PEM. */
export async function makeKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`;
}

interface Request {
  readonly name: string;
  readonly key: SigningKey;
  readonly years: number;
  readonly extensions: readonly Extension[];
  readonly issuer?: SigningIssuer;
  readonly validity?: Validity;
}

async function issue({ name, key, years, extensions, issuer, validity }: Request): Promise<string> {
  const publicKey = await importPublicKey(key);
  const by = issuer === undefined ? undefined : new X509Certificate(issuer.certificate);
  const now = Date.now();
  const { from, until } = validity ?? { from: now - 60_000, until: now + years * YEAR_MS };
  const draft = {
    serialNumber: newSerialNumber(),
    subject: [{ CN: [name] }],
    issuer: by?.subjectName ?? [{ CN: [name] }],
    notBefore: wholeSeconds(from),
    // A certificate that outlives its issuer would promise what no verifier keeps.
    notAfter: wholeSeconds(Math.min(until, by?.notAfter.getTime() ?? Infinity)),
    publicKey: await PublicKey.create(publicKey, webcrypto),
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
      await AuthorityKeyIdentifierExtension.create(by?.publicKey ?? publicKey, false, webcrypto),
    ],
  };
  const certificate = await sign(draft, issuer?.key ?? key, by?.publicKey ?? draft.publicKey);
  return `${certificate.toString('pem')}\n`;
}

/** `publicKey`: that of the issuer's certificate. */
async function sign(draft: Draft, key: SigningKey, publicKey: PublicKey): Promise<X509Certificate> {
  if (typeof key === 'string')
    return X509CertificateGenerator.create({ ...draft, signingKey: await importPrivateKey(key) }, webcrypto);
  return signByToken(draft, key, publicKey);
}

/** RFC 5280 4.1.2.2: positive, at most 20 bytes; 126 random bits here. */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function wholeSeconds(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}

async function importPublicKey(key: SigningKey): Promise<webcrypto.CryptoKey> {
  const isFile = typeof key === 'string';
  const der = isFile ? createPublicKey(key).export({ format: 'der', type: 'spki' }) : await key.publicKey();
  return webcrypto.subtle.importKey('spki', der, ALGORITHM, true, ['verify']);
}

function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
