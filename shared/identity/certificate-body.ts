// What exactly was signed in this certificate? Its fields from DER (RFC 5280 4.1), read strictly and compared as bytes.
import { done, refused, type Outcome } from '../outcome.ts';
import type { Certificate } from './certificate.ts';
import { childrenOf, onlyValue, type DerValue } from './der.ts';
import { readName, readNumber, readSerial, readTime, readWholeBits, TAGS } from './der-values.ts';
import { NO_EXTENSIONS, readExtensions, type Extensions } from './extensions.ts';

export interface CertificateBody {
  readonly signed: SignedBytes;
  /** Lower-case hex of whole bytes, without a leading zero byte. */
  readonly serial: string;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: Extensions;
}

/** Certificates and revocation lists are signed in one shape: SEQUENCE { what is signed, algorithm, signature }. */
export interface SignedBytes {
  /** The AlgorithmIdentifier, as a whole. */
  readonly algorithm: Uint8Array;
  /** What the signature covers. */
  readonly content: DerValue;
  readonly signature: Uint8Array;
}

/** `certificate-malformed` for what is not DER of this shape, and for what RFC 5280 forbids any certificate to say (T036). */
export function readBody(certificate: Certificate): Outcome<CertificateBody> {
  const body = readFields(certificate.x509.raw);
  if (typeof body !== 'string') return done(body);
  return refused({ reason: 'certificate-malformed', problem: `${certificate.fingerprint.slice(0, 16)}: ${body}` });
}

/** Of a certificate whose path was verified: lower-case hex of whole bytes without a leading zero byte. */
export function serialOf(certificate: Certificate): string {
  const body = readFields(certificate.x509.raw);
  return typeof body === 'string' ? certificate.x509.serialNumber.toLowerCase() : body.serial;
}

export function readSigned(bytes: Uint8Array): SignedBytes | undefined {
  const [content, algorithm, bits, ...more] = childrenOf(onlyValue(bytes)) ?? [];
  const signature = readWholeBits(bits);
  if (content?.tag !== TAGS.sequence || algorithm?.tag !== TAGS.sequence) return undefined;
  return signature === undefined || more.length > 0 ? undefined : { content, algorithm: algorithm.whole, signature };
}

/** The two algorithms of one signature: only the inner one is signed, so that they must be the same bytes (T036). */
export function namesAlgorithm({ algorithm }: SignedBytes, inner: DerValue | undefined): boolean {
  return inner !== undefined && Buffer.compare(inner.whole, algorithm) === 0;
}

/** Text: what is wrong. */
function readFields(der: Uint8Array): CertificateBody | string {
  const signed = readSigned(der);
  const [first, ...others] = childrenOf(signed?.content) ?? [];
  if (signed === undefined || first === undefined) return 'expected a signed certificate in DER';
  const version = first.tag === VERSION ? readNumber(onlyValue(first.content)) : V1;
  // X.690 11.5: version 1 is the default and never written.
  if (version === undefined || version > V3 || (version === V1 && first.tag === VERSION))
    return 'version: expected 1 to 3';
  const fields = first.tag === VERSION ? others : [first, ...others];
  const [serialNumber, algorithm, issuer, validity, subject, key, ...rest] = fields;
  if (key?.tag !== TAGS.sequence) return 'expected a key behind the subject';
  const serial = readSerial(serialNumber);
  if (serial === undefined) return 'serial number: expected a positive number of at most 20 bytes';
  if (!namesAlgorithm(signed, algorithm)) return 'signature algorithm: the signed one differs from the outer one';
  const [by, of] = [issuer, subject].map(readName);
  if (by === undefined || of === undefined) return 'expected the names of an issuer and a subject';
  if (isEmptyName(by)) return 'issuer: expected a name that is not empty';
  const times = readValidity(validity);
  if (times === undefined) return 'validity: expected two times';
  const extensions = readLast(rest, version);
  return typeof extensions === 'string'
    ? extensions
    : { signed, serial, issuer: by, subject: of, ...times, extensions };
}

/** Unique identifiers, [1] and [2], would stand before the extensions and are in no profile (RFC 5280 4.1.2.8). */
function readLast([wrapped, ...more]: readonly DerValue[], version: number): Extensions | string {
  if (wrapped === undefined) return NO_EXTENSIONS;
  if (wrapped.tag !== EXTENSIONS || more.length > 0) return 'expected nothing but extensions behind the key';
  // RFC 5280 4.1.2.9: they need version 3; an older reader would not look at them.
  return version === V3 ? readExtensions(onlyValue(wrapped.content)) : 'extensions: expected version 3';
}

function readValidity(value: DerValue | undefined) {
  const [from, until, ...more] = childrenOf(value) ?? [];
  const [notBefore, notAfter] = [readTime(from), readTime(until)];
  return notBefore === undefined || notAfter === undefined || more.length > 0 ? undefined : { notBefore, notAfter };
}

export function isEmptyName(name: Uint8Array): boolean {
  return name.length === 2;
}

const VERSION = 0xa0;
const V1 = 0;
const V3 = 2;
const EXTENSIONS = 0xa3;
