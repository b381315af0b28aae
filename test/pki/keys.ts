// Which key does this party of the mock PKI hold? Made once per process under a name: making keys costs time.
import { webcrypto } from 'node:crypto';

export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
export const P384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;

export type Curve = typeof P256 | typeof P384;

const made = new Map<string, Promise<webcrypto.CryptoKeyPair>>();

/** The same name is the same key. */
export function keyPair(name: string, curve: Curve = P256): Promise<webcrypto.CryptoKeyPair> {
  const place = `${curve.namedCurve} ${name}`;
  const known = made.get(place);
  if (known !== undefined) return known;
  const fresh = webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  made.set(place, fresh);
  return fresh;
}
