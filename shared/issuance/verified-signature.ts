// Is this the signature that we asked for? What a key home answers is verified before anybody sees it (blueprint step 5).
import { createPublicKey, verify } from 'node:crypto';

import { Fault } from '../outcome.ts';
import type { CertificateSigner, SigningAlgorithm } from '../ports.ts';
import { decodeEcdsa } from './ecdsa-signature.ts';

declare const proof: unique symbol;

/** Proof that the key signed these bytes. */
export interface VerifiedSignature {
  readonly algorithm: SigningAlgorithm;
  /** SubjectPublicKeyInfo in DER: whoever signs for an authority compares it with the authority's certificate. */
  readonly publicKey: Uint8Array;
  /** As X.509 wants it. */
  readonly signature: Uint8Array;
  readonly [proof]: 'VerifiedSignature';
}

/**
 * Throws what the signer throws, and `answer-malformed` for a signature that does not fit: a key home that mixes up its
 * keys, or a changed answer on the way, would otherwise be found out by the device only.
 */
export async function signVerified(signer: CertificateSigner, bytes: Uint8Array): Promise<VerifiedSignature> {
  const { algorithm } = signer;
  const publicKey = await signer.publicKey();
  if (!isKeyOf(publicKey, algorithm)) throw malformed(`expected a public key of ${algorithm}`);
  const signature = await signer.sign(bytes);
  if (!isForm(signature, algorithm)) throw malformed(`expected a signature in the form of ${algorithm}`);
  if (!fits(signature, bytes, { algorithm, publicKey }))
    throw malformed('its signature is of another key or other bytes');
  return { algorithm, publicKey, signature } as unknown as VerifiedSignature;
}

/** Byte for byte: explicit parameters may copy a curve but for its generator (T033, CVE-2020-0601). */
function isKeyOf(publicKey: Uint8Array, algorithm: SigningAlgorithm): boolean {
  const { prefix, length } = KEYS[algorithm];
  return publicKey.length === length && prefix.equals(publicKey.subarray(0, prefix.length));
}

function isForm(signature: Uint8Array, algorithm: SigningAlgorithm): boolean {
  if (algorithm === 'EdDSA') return signature.length === ED25519_BYTES;
  return decodeEcdsa(signature, algorithm) !== undefined;
}

type Key = Pick<VerifiedSignature, 'algorithm' | 'publicKey'>;

function fits(signature: Uint8Array, bytes: Uint8Array, { algorithm, publicKey }: Key): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return verify(KEYS[algorithm].digest, bytes, { key, dsaEncoding: 'der' }, signature);
  } catch {
    return false; // a point that is not on the curve
  }
}

function malformed(problem: string): Fault {
  return new Fault('answer-malformed', `certificate signer: ${problem}`);
}

const ED25519_BYTES = 64;

/** RFC 5480 2.1.1 and RFC 8410 4: SubjectPublicKeyInfo up to the coordinates, its whole length, and what is hashed. */
const KEYS: Readonly<Record<SigningAlgorithm, { prefix: Buffer; length: number; digest: string | undefined }>> = {
  ES256: {
    prefix: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
    length: 91,
    digest: 'sha256',
  },
  ES384: {
    prefix: Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex'),
    length: 120,
    digest: 'sha384',
  },
  EdDSA: { prefix: Buffer.from('302a300506032b6570032100', 'hex'), length: 44, digest: undefined },
};
