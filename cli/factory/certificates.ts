// Which certificates does a factory make? A device CA, a manifest signer, and one leaf per device (RFC 5280 profile).
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
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
} from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';

/** PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export type Issuer = Issued;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 3600 * 1000;

export function makeAuthority(name: string): Promise<Issued> {
  const extensions = [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
  return make({ name, years: 20, extensions });
}

export function makeSigner(name: string, issuer: Issuer): Promise<Issued> {
  return make({ name, years: 5, extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)], issuer });
}

/** A factory certificate outlives the device: nobody can renew it in the field. */
export function issueCertificate(serial: string, issuer: Issuer): Promise<Issued> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ];
  return make({ name: serial, years: 15, extensions, issuer });
}

interface Request {
  readonly name: string;
  readonly years: number;
  readonly extensions: readonly Extension[];
  readonly issuer?: Issuer;
}

async function make({ name, years, extensions, issuer }: Request): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const signingKey = issuer === undefined ? keys.privateKey : await importKey(issuer.key);
  const issuerCertificate = issuer === undefined ? undefined : new X509Certificate(issuer.certificate);
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: newSerialNumber(),
      subject: [{ CN: [name] }],
      issuer: issuerCertificate?.subjectName ?? `CN=${name}`,
      notBefore: wholeSeconds(Date.now() - 60_000),
      notAfter: wholeSeconds(Date.now() + years * YEAR_MS),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        ...extensions,
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuerCertificate?.publicKey ?? keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: `${certificate.toString('pem')}\n`, key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n` };
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

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(pem);
  if (der === undefined) throw new Error('expected a private key in PEM');
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
