// Did this key sign these bytes? ECDSA and RSA PKCS #1 v1.5 with SHA-256, -384 or -512, and nothing else.
import { constants, verify, type KeyObject } from 'node:crypto';

import { childrenOf, onlyValue } from './der.ts';
import { dotted, readOid } from './der-values.ts';

/** `wrong`: another key's, of other bytes, or not in the one form of its kind. */
export type SignatureVerdict = 'good' | 'wrong' | 'unsupported';

export interface SignatureQuestion {
  /** AlgorithmIdentifier in DER, as a whole: compared byte for byte, parameters included. */
  readonly algorithm: Uint8Array;
  /** Its strength was checked before: acceptable-key.ts. */
  readonly key: KeyObject;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Never throws: a signature that cannot even be checked is wrong. */
export function verifySignature({ algorithm, key, signed, signature }: SignatureQuestion): SignatureVerdict {
  const scheme = SCHEMES.get(Buffer.from(algorithm).toString('hex'));
  if (scheme === undefined) return 'unsupported';
  // The key says what its signatures are; an algorithm of another kind is confusion, or an attack.
  if (key.asymmetricKeyType !== scheme.kind) return 'wrong';
  try {
    const padding = scheme.kind === 'rsa' ? { padding: constants.RSA_PKCS1_PADDING } : { dsaEncoding: 'der' as const };
    return verify(scheme.digest, signed, { key, ...padding }, signature) ? 'good' : 'wrong';
  } catch {
    return 'wrong';
  }
}

/** For a refusal: the object identifier of an AlgorithmIdentifier. */
export function nameAlgorithm(algorithm: Uint8Array): string {
  const oid = readOid(childrenOf(onlyValue(algorithm))?.[0]);
  return oid === undefined ? 'unreadable' : dotted(oid);
}

/** RFC 5758 3.2: without parameters; RFC 4055 5: with NULL. The hash may be weaker or stronger than the curve. */
const SCHEMES: ReadonlyMap<string, { readonly kind: 'ec' | 'rsa'; readonly digest: string }> = new Map([
  ['300a06082a8648ce3d040302', { kind: 'ec', digest: 'sha256' }],
  ['300a06082a8648ce3d040303', { kind: 'ec', digest: 'sha384' }],
  ['300a06082a8648ce3d040304', { kind: 'ec', digest: 'sha512' }],
  ['300d06092a864886f70d01010b0500', { kind: 'rsa', digest: 'sha256' }],
  ['300d06092a864886f70d01010c0500', { kind: 'rsa', digest: 'sha384' }],
  ['300d06092a864886f70d01010d0500', { kind: 'rsa', digest: 'sha512' }],
]);
