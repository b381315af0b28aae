// Which signatures does this public key check? Named P-256 and P-384, and Ed25519: the keys that signers have.
import { createPublicKey, type KeyObject } from 'node:crypto';

import type { SigningAlgorithm } from '../ports.ts';

export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  readonly key: KeyObject;
}

/**
 * Undefined for any other key, and for a point that is not on its curve. Byte for byte: explicit parameters may copy a curve
 * but for its generator (T033, CVE-2020-0601).
 */
export function readSigningKey(spki: Uint8Array): SigningKey | undefined {
  const place = Buffer.from(spki).toString('latin1');
  const known = read.get(place);
  if (known !== undefined) return known;
  const fresh = importKey(spki);
  if (fresh === undefined) return undefined;
  if (read.size >= MOST_KEPT) read.clear();
  read.set(place, fresh);
  return fresh;
}

/** An issuer's key checks thousands of signatures: importing it each time would cost as much as half a check. */
const read = new Map<string, SigningKey>();
const MOST_KEPT = 64;

function importKey(spki: Uint8Array): SigningKey | undefined {
  const algorithm = ALGORITHMS.find((name) => isKeyOf(spki, name));
  if (algorithm === undefined) return undefined;
  try {
    return { algorithm, key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }) };
  } catch {
    return undefined;
  }
}

function isKeyOf(spki: Uint8Array, algorithm: SigningAlgorithm): boolean {
  const { prefix, length } = FORMS[algorithm];
  return spki.length === length && prefix.equals(spki.subarray(0, prefix.length));
}

/** RFC 5480 2.1.1 and RFC 8410 4: SubjectPublicKeyInfo up to the coordinates, and its whole length. */
const FORMS: Readonly<Record<SigningAlgorithm, { readonly prefix: Buffer; readonly length: number }>> = {
  ES256: { prefix: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'), length: 91 },
  ES384: { prefix: Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex'), length: 120 },
  EdDSA: { prefix: Buffer.from('302a300506032b6570032100', 'hex'), length: 44 },
};
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA'] as const;
