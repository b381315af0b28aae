// What stands in a certificate that we issue? Four kinds, and every byte of them follows from a few values (RFC 5280 4.1, 4.2).
import { hash } from 'node:crypto';

import { childrenOf, onlyValue } from '../identity/der.ts';
import { readWholeBits } from '../identity/der-values.ts';
import type { SigningAlgorithm } from '../ports.ts';
import { bits, integer, isTrue, octets, oid, primitive, sequence, smallInteger, tagged, time } from './der-writing.ts';
import { encodeName, type Name } from './name.ts';

/** Root and issuing are authorities; operational is a device's; delivery is the key that an owner's data keys come from. */
export type CertificateKind = 'root' | 'issuing' | 'operational' | 'delivery';

export interface CertificateContent {
  readonly kind: CertificateKind;
  readonly serial: Uint8Array;
  /** The issuer's signature algorithm, subject in DER, and subjectKeyIdentifier. */
  readonly algorithm: SigningAlgorithm;
  readonly issuerName: Uint8Array;
  readonly issuerKeyId: Uint8Array;
  /** Milliseconds since 1970, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subject: Name;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  /** Where the issuer's revocation list is published. */
  readonly crlUrl: string | undefined;
}

/** TBSCertificate in DER: what the issuer signs. */
export function encodeCertificate(content: CertificateContent): Buffer {
  const { serial, algorithm, issuerName, notBefore, notAfter, subject, publicKey } = content;
  return sequence(
    VERSION_3,
    integer(serial),
    ALGORITHM_IDENTIFIERS[algorithm],
    issuerName,
    sequence(time(notBefore), time(notAfter)),
    encodeName(subject),
    publicKey,
    tagged(EXTENSIONS, sequence(...extensionsOf(content))),
  );
}

function extensionsOf({ kind, subject, publicKey, issuerKeyId, crlUrl }: CertificateContent): readonly Buffer[] {
  return [
    ...FIXED_EXTENSIONS[kind],
    ...(kind === 'operational' ? [extension(OIDS.subjectAltName, alternativeName(subject.commonName))] : []),
    extension(OIDS.subjectKeyId, octets(keyIdOf(publicKey))),
    authorityKeyId(issuerKeyId),
    ...(crlUrl === undefined ? [] : [extension(OIDS.distributionPoints, distributionPoint(crlUrl))]),
  ];
}

/** SEQUENCE { what is signed, algorithm, signature }: a certificate or a revocation list (RFC 5280 4.1, 5.1). */
export function assemble(tbs: Uint8Array, algorithm: SigningAlgorithm, signature: Uint8Array): Buffer {
  return sequence(tbs, ALGORITHM_IDENTIFIERS[algorithm], bits(signature));
}

/** RFC 7093 2, method 1: the leftmost 160 bits of the SHA-256 of the key's bits. No SHA-1 is needed anywhere. */
export function keyIdOf(publicKey: Uint8Array): Buffer {
  const key = readWholeBits(childrenOf(onlyValue(publicKey))?.[1]) ?? new Uint8Array();
  return hash('sha256', key, { outputEncoding: 'buffer' }).subarray(0, KEY_ID_BYTES);
}

/** RFC 5280 4.2.1.1. */
export function authorityKeyId(keyId: Uint8Array): Buffer {
  return extension(OIDS.authorityKeyId, sequence(primitive(0, keyId)));
}

/** RFC 5280 4.2. `critical` is FALSE unless it is written. */
export function extension(type: string, content: Uint8Array, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [isTrue()] : []), octets(content));
}

/** RFC 5280 4.2.1.6: a URI, because the ids of devices have underscores, which the names of hosts have not. */
function alternativeName(device: string): Buffer {
  return sequence(primitive(URI, Buffer.from(`urn:wardkey:device:${device}`, 'latin1')));
}

/** RFC 5280 4.2.1.13: one point, with one full name. */
function distributionPoint(url: string): Buffer {
  const fullName = tagged(0, primitive(URI, Buffer.from(url, 'latin1')));
  return sequence(sequence(tagged(0, fullName)));
}

/** RFC 5758 3.2 and RFC 8410 3: without parameters. */
export const ALGORITHM_IDENTIFIERS: Readonly<Record<SigningAlgorithm, Buffer>> = {
  ES256: sequence(oid('2a8648ce3d040302')),
  ES384: sequence(oid('2a8648ce3d040303')),
  EdDSA: sequence(oid('2b6570')),
};

/** id-ce is 2.5.29, in hex 551d. */
const OIDS = {
  subjectKeyId: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  distributionPoints: '551d1f',
  authorityKeyId: '551d23',
  extKeyUsage: '551d25',
} as const;
export const DISTRIBUTION_POINTS = OIDS.distributionPoints;
const CLIENT_AUTH = '2b06010505070302';
const KEY_ID_BYTES = 20;
const EXTENSIONS = 3;
/** [6] of GeneralName. */
const URI = 6;

/** RFC 5280 4.2.1.3, by position of the bit. */
const USAGES = { digitalSignature: 0, keyAgreement: 4, keyCertSign: 5, cRLSign: 6 } as const;

/** X.690 11.2.2: without zero bits at its end. */
function keyUsage(...usages: readonly (keyof typeof USAGES)[]): Buffer {
  const positions = usages.map((usage): number => USAGES[usage]);
  const byte = positions.reduce((set, position) => set | (0x80 >> position), 0);
  return extension(OIDS.keyUsage, bits(Buffer.from([byte]), 7 - Math.max(...positions)), true);
}

/** RFC 5280 4.2.1.9: cA only where it is TRUE; pathLenConstraint 0: nothing but leaves below. */
function basicConstraints(...content: readonly Buffer[]): Buffer {
  return extension(OIDS.basicConstraints, sequence(...content), true);
}

const VERSION_3 = tagged(0, smallInteger(2));
const FIXED_EXTENSIONS: Readonly<Record<CertificateKind, readonly Buffer[]>> = {
  root: [basicConstraints(isTrue()), keyUsage('keyCertSign', 'cRLSign')],
  issuing: [basicConstraints(isTrue(), smallInteger(0)), keyUsage('keyCertSign', 'cRLSign')],
  operational: [
    basicConstraints(),
    keyUsage('digitalSignature'),
    extension(OIDS.extKeyUsage, sequence(oid(CLIENT_AUTH))),
  ],
  // HPKE agrees on a secret with it. It signs nothing, so that it passes for no device.
  delivery: [basicConstraints(), keyUsage('keyAgreement')],
};
