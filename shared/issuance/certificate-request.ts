// Does whoever asks for this certificate hold its key? A PKCS #10 request in its one form (RFC 2986), of this device, signed
// with the key that it names (blueprint step 4).
import { createPublicKey, hash, type KeyObject } from 'node:crypto';

import { checkPublicKey } from '../identity/acceptable-key.ts';
import { readSigned, type SignedBytes } from '../identity/certificate-body.ts';
import { childrenOf, readDer, SET, type DerValue } from '../identity/der.ts';
import { readNumber, readOid, TAGS } from '../identity/der-values.ts';
import type { DeviceId } from '../identity/device-id.ts';
import { nameAlgorithm, verifySignature } from '../identity/signature.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import { readName, spellingsOf } from './name.ts';

declare const proof: unique symbol;

/** Proof that the holder of this key asked for a certificate of this device. */
export interface CertificateRequest {
  readonly device: DeviceId;
  /** SubjectPublicKeyInfo in DER: as it stood in the request, and in the one form that it has. */
  readonly publicKey: Uint8Array;
  /** Lower-case hex SHA-256 of `publicKey`, as a certificate's. */
  readonly keyFingerprint: string;
  /** Lower-case hex SHA-256 of the whole request. */
  readonly digest: string;
  readonly [proof]: 'CertificateRequest';
}

/**
 * Key, subject and signature are all that is read. What else the request wishes for, such as other names, purposes or
 * cA, is read by nobody, so that nothing of it can reach a certificate (T084).
 */
export function parseCertificateRequest(
  der: Uint8Array,
  { device }: { readonly device: DeviceId },
): Outcome<CertificateRequest> {
  const read = readRequest(der);
  if (typeof read === 'string') return refused({ reason: 'csr-malformed', problem: read });
  const { signed, subject, publicKey } = read;
  const named = checkSubject(subject, device);
  if (named.outcome === 'refused') return named;
  const key = importKey(publicKey);
  if (key.outcome === 'refused') return key;
  const keyFingerprint = hash('sha256', publicKey);
  const possession = checkPossession(signed, { key: key.value, keyFingerprint });
  if (possession.outcome === 'refused') return possession;
  return done({ device, publicKey, keyFingerprint, digest: hash('sha256', der) } as CertificateRequest);
}

interface RequestFields {
  readonly signed: SignedBytes;
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** RFC 2986 4. Text: what is wrong. */
function readRequest(der: Uint8Array): RequestFields | string {
  if (der.length > LARGEST_DER) return `expected at most ${LARGEST_DER} bytes, got ${der.length}`;
  const signed = readSigned(der);
  const [version, subject, key, attributes, ...more] = childrenOf(signed?.content) ?? [];
  if (signed === undefined || more.length > 0) return 'expected one signed certificate request in DER';
  if (readNumber(version) !== V1) return 'version: expected 1, written as 0';
  if (subject?.tag !== TAGS.sequence || key?.tag !== TAGS.sequence) return 'expected a subject and a key';
  if (!areAttributes(attributes)) return 'expected attributes behind the key, also where there are none';
  return { signed, subject: subject.whole, publicKey: key.whole };
}

/** Their shape only: a type, and a set of values at which nobody looks. */
function areAttributes(value: DerValue | undefined): boolean {
  const attributes = childrenOf(value, ATTRIBUTES);
  return attributes?.every(isAttribute) === true;
}

function isAttribute(value: DerValue): boolean {
  const [type, values, ...more] = childrenOf(value) ?? [];
  return (
    readOid(type) !== undefined && values?.tag === SET && readDer(values.content) !== undefined && more.length === 0
  );
}

/** Exactly this device's name. It is compared and never copied: a name that is almost the same names somebody else (T034). */
function checkSubject(subject: Uint8Array, device: DeviceId): Outcome<Uint8Array> {
  if (spellingsOf(device).some((spelling) => spelling.equals(subject))) return done(subject);
  const { commonName = '', owner } = readName(subject) ?? {};
  const got = owner === undefined && SHOWN.test(commonName) ? commonName : 'no name of a device';
  return refused({ reason: 'subject-differs', expected: device, got });
}

/** The key as Node reads it: a point that is not on its curve is no key (T017). */
function importKey(publicKey: Uint8Array): Outcome<KeyObject> {
  const key = readKey(publicKey);
  if (key === undefined) return refused({ reason: 'key-unsupported', key: 'unreadable' });
  // One key in two spellings would have two fingerprints, and pass for a fresh one. A named EC key has one spelling only.
  if (key.asymmetricKeyType !== 'ec' && !key.export(SPKI).equals(publicKey))
    return refused({ reason: 'csr-malformed', problem: 'key: expected its one form in DER' });
  return checkPublicKey(key, publicKey);
}

function readKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(publicKey), ...SPKI });
  } catch {
    return undefined;
  }
}

/** Without it anybody could have the key of somebody else certified under their own name (T083). */
function checkPossession(
  { algorithm, content, signature }: SignedBytes,
  { key, keyFingerprint }: { readonly key: KeyObject; readonly keyFingerprint: string },
): Outcome<KeyObject> {
  const verdict = verifySignature({ algorithm, key, signed: content.whole, signature });
  if (verdict === 'good') return done(key);
  if (verdict === 'wrong') return refused({ reason: 'possession-unproved', key: keyFingerprint });
  return refused({ reason: 'signature-unsupported', algorithm: nameAlgorithm(algorithm) });
}

const LARGEST_DER = 4096;
const V1 = 0;
const ATTRIBUTES = 0xa0;
const SPKI = { format: 'der', type: 'spki' } as const;
/** What a refusal repeats of a stranger's text. */
const SHOWN = /^[A-Za-z0-9_-]{1,64}$/;
