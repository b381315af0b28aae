// Is this the signature that we asked for? What a key home answers is verified before anybody sees it (blueprint step 5).
import { verify } from 'node:crypto';

import { Fault } from '../outcome.ts';
import type { CertificateSigner, SigningAlgorithm } from '../ports.ts';
import { decodeEcdsa } from './ecdsa-signature.ts';
import { readSigningKey, type SigningKey } from './signing-key.ts';

declare const proof: unique symbol;

export interface SignatureAnswer {
  readonly algorithm: SigningAlgorithm;
  /** SubjectPublicKeyInfo in DER: whoever signs for an authority compares it with the authority's certificate. */
  readonly publicKey: Uint8Array;
  /** What the signature covers. */
  readonly signed: Uint8Array;
  /** As X.509 wants it. */
  readonly signature: Uint8Array;
}

/** Proof that the key signed these bytes. */
export type VerifiedSignature = SignatureAnswer & { readonly [proof]: 'VerifiedSignature' };

/**
 * Throws what the signer throws, and `answer-malformed` for a signature that does not fit: a key home that mixes up its
 * keys, or a changed answer on the way, would otherwise be found out by the device only.
 */
export async function signVerified(signer: CertificateSigner, bytes: Uint8Array): Promise<VerifiedSignature> {
  const { algorithm } = signer;
  const publicKey = await signer.publicKey();
  // Nothing is signed for a key that could not be checked afterwards.
  expectKey(publicKey, algorithm);
  return verifyAnswer({ algorithm, publicKey, signed: bytes, signature: await signer.sign(bytes) });
}

/** The same for an answer that came by a queue or from a row. */
export function verifyAnswer(answer: SignatureAnswer): VerifiedSignature {
  const { algorithm, publicKey, signed, signature } = answer;
  const { key } = expectKey(publicKey, algorithm);
  if (!isForm(signature, algorithm)) throw malformed(`expected a signature in the form of ${algorithm}`);
  if (!verify(DIGESTS[algorithm], signed, { key, dsaEncoding: 'der' }, signature))
    throw malformed('its signature is of another key or other bytes');
  return { algorithm, publicKey, signed, signature } as VerifiedSignature;
}

function expectKey(publicKey: Uint8Array, algorithm: SigningAlgorithm): SigningKey {
  const found = readSigningKey(publicKey);
  if (found?.algorithm !== algorithm) throw malformed(`expected a public key of ${algorithm}`);
  return found;
}

function isForm(signature: Uint8Array, algorithm: SigningAlgorithm): boolean {
  if (algorithm === 'EdDSA') return signature.length === ED25519_BYTES;
  return decodeEcdsa(signature, algorithm) !== undefined;
}

function malformed(problem: string): Fault {
  return new Fault('answer-malformed', `certificate signer: ${problem}`);
}

const ED25519_BYTES = 64;
/** Ed25519 hashes on its own. */
const DIGESTS = { ES256: 'sha256', ES384: 'sha384', EdDSA: undefined } as const;
