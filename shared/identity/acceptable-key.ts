// Is this key one that we trust a device or an issuer with? P-256, P-384, or RSA of a good size, and nothing else.
import type { KeyObject } from 'node:crypto';

import { done, refused, type Outcome } from '../outcome.ts';
import type { Certificate } from './certificate.ts';
import { readCertificateFields } from './der.ts';

/** The same certificate, or `key-unsupported` with what kind of key it is (T017). */
export function checkKey(certificate: Certificate): Outcome<Certificate> {
  const spki = readCertificateFields(certificate.x509.raw)?.key;
  const key = checkPublicKey(certificate.x509.publicKey, spki);
  return key.outcome === 'refused' ? key : done(certificate);
}

/** The same of a key that stands in no certificate. `spki`: its SubjectPublicKeyInfo in DER, as it came. */
export function checkPublicKey(key: KeyObject, spki: Uint8Array | undefined): Outcome<KeyObject> {
  const { asymmetricKeyType: kind = 'unknown' } = key;
  if (kind === 'ec') return checkCurve(key, spki);
  const { asymmetricKeyDetails: details = {} } = key;
  const size = details.modulusLength ?? 0;
  const exponent = details.publicExponent ?? 0n;
  if (kind !== 'rsa') return unsupported(kind);
  if (size < SMALLEST_MODULUS || size > LARGEST_MODULUS) return unsupported(`rsa of ${size} bits`);
  // With e = 1 a signature is its own message; an even e has no inverse.
  if (exponent < 3n || exponent % 2n === 0n) return unsupported(`rsa with exponent ${exponent}`);
  // Each bit of it makes a check longer, up to what a signature costs (T039).
  if (exponent > LARGEST_EXPONENT) return unsupported('rsa with an exponent of more than 64 bits');
  return done(key);
}

/** Byte for byte: explicit parameters may copy a curve but for its generator (T033, CVE-2020-0601). */
function checkCurve(key: KeyObject, spki: Uint8Array | undefined): Outcome<KeyObject> {
  if (spki === undefined) return unsupported('unreadable');
  const named = CURVES.some(
    ({ prefix, coordinates }) =>
      spki.length === prefix.length + coordinates && prefix.equals(spki.subarray(0, prefix.length)),
  );
  if (named) return done(key);
  const { namedCurve: name = 'unnamed curve' } = key.asymmetricKeyDetails ?? {};
  return unsupported(`ec, ${name}, not as a named P-256 or P-384 key`);
}

/** x and y of a P-256 key: the last 64 bytes of its SubjectPublicKeyInfo; undefined for any other key. */
export function pointOf(certificate: Certificate): Uint8Array | undefined {
  const key = readCertificateFields(certificate.x509.raw)?.key;
  const fits = key?.length === P256_PREFIX.length + 64 && P256_PREFIX.equals(key.subarray(0, P256_PREFIX.length));
  return fits ? key.subarray(P256_PREFIX.length) : undefined;
}

function unsupported(key: string) {
  return refused({ reason: 'key-unsupported', key });
}

/** RFC 5480 2.1.1: SubjectPublicKeyInfo of a named curve, up to and with the 04 of an uncompressed point. */
export const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const P384_PREFIX = Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex');
const CURVES = [
  { prefix: P256_PREFIX, coordinates: 64 },
  { prefix: P384_PREFIX, coordinates: 96 },
];
const SMALLEST_MODULUS = 2048;
const LARGEST_MODULUS = 8192;
const LARGEST_EXPONENT = 2n ** 64n;
