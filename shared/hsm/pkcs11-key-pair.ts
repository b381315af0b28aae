// How does a signing key come into a PKCS #11 token? It is made in there, once for its label, and cannot be taken out.
import { randomBytes } from 'node:crypto';

import type { Handle, PKCS11 } from 'pkcs11js';

import { Fault } from '../outcome.ts';
import type { SigningAlgorithm } from '../ports.ts';

interface OpenSession {
  readonly pkcs11: PKCS11;
  readonly session: Handle;
}

export interface KeyPairWishes {
  /** Gives a session that is logged in, to one at a time. */
  readonly token: { use<T>(work: (open: OpenSession) => T | Promise<T>): Promise<T> };
  /** Names the pair; no other private key of the token may have it. */
  readonly label: string;
  readonly algorithm: SigningAlgorithm;
}

/**
 * On return the token holds exactly one private key of this label, which cannot leave it. A call that follows a kill or a
 * lost answer finds what was made. Throws `key-unusable` for a key that could leave, and where two keys have the label.
 * Whether a key that was found is one of the algorithm is for the signer to say.
 */
export function ensureKeyPair({ token, label, algorithm }: KeyPairWishes): Promise<'made' | 'found'> {
  return token.use((open) => {
    const [found, ...more] = findPrivateKeys(open, label);
    if (more.length > 0) throw new Fault('key-unusable', `expected one private key "${label}" in the token, got more`);
    if (found !== undefined) {
      requireKept(open, found, label);
      return 'found';
    }
    makePair(open, label, algorithm);
    return 'made';
  });
}

function makePair(open: OpenSession, label: string, algorithm: SigningAlgorithm): void {
  const { publicKey, privateKey } = generate(open, label, algorithm);
  // Two that make it at once: PKCS #11 knows no name that is given once. Whoever sees the other takes its own away, so that
  // at most one is left: the one that was alone when it looked.
  if (findPrivateKeys(open, label).length > 1) {
    for (const key of [privateKey, publicKey]) open.pkcs11.C_DestroyObject(open.session, key);
    throw new Fault(
      'key-unusable',
      `somebody else made the key "${label}" at the same time: ours is removed, try again`,
    );
  }
  requireKept(open, privateKey, label);
}

function generate({ pkcs11, session }: OpenSession, label: string, algorithm: SigningAlgorithm) {
  const { mechanism, curve } = KINDS[algorithm];
  const both = [
    { type: CKA.token, value: true },
    { type: CKA.label, value: label },
    // New for each pair: the half of one that was cut off is never taken for the other half of the next.
    { type: CKA.id, value: randomBytes(ID_BYTES) },
  ];
  const ours = [
    ...both,
    { type: CKA.ecParameters, value: Buffer.from(curve, 'hex') },
    { type: CKA.verify, value: true },
  ];
  const kept = [CKA.private, CKA.sensitive, CKA.sign].map((type) => ({ type, value: true }));
  return pkcs11.C_GenerateKeyPair(session, { mechanism }, ours, [
    ...both,
    ...kept,
    { type: CKA.extractable, value: false },
  ]);
}

/** A key that may leave its token can be somewhere else already. */
function requireKept({ pkcs11, session }: OpenSession, key: Handle, label: string): void {
  const [sensitive, extractable] = pkcs11.C_GetAttributeValue(session, key, [
    { type: CKA.sensitive },
    { type: CKA.extractable },
  ]);
  if (isTrue(sensitive?.value) && !isTrue(extractable?.value)) return;
  throw new Fault('key-unusable', `the key "${label}" may leave its token: expected one that was made to stay`);
}

function isTrue(value: Buffer | undefined): boolean {
  return value?.[0] === 1;
}

/** Up to two of them: more are no worse. */
function findPrivateKeys({ pkcs11, session }: OpenSession, label: string): readonly Handle[] {
  pkcs11.C_FindObjectsInit(session, [
    { type: CKA.class, value: PRIVATE_KEY },
    { type: CKA.label, value: label },
  ]);
  try {
    return pkcs11.C_FindObjects(session, 2);
  } finally {
    pkcs11.C_FindObjectsFinal(session);
  }
}

// PKCS #11 v2.40 and, for CKM_EC_EDWARDS_KEY_PAIR_GEN, v3.0: the numbers of pkcs11t.h.
const CKA = {
  class: 0x00,
  token: 0x01,
  private: 0x02,
  label: 0x03,
  id: 0x102,
  sensitive: 0x103,
  sign: 0x108,
  verify: 0x10a,
  extractable: 0x162,
  ecParameters: 0x180,
} as const;
const PRIVATE_KEY = 3;
const ID_BYTES = 16;

/** CKA_EC_PARAMS is the object identifier of the curve. */
const KINDS: Readonly<Record<SigningAlgorithm, { readonly mechanism: number; readonly curve: string }>> = {
  ES256: { mechanism: 0x1040, curve: '06082a8648ce3d030107' },
  ES384: { mechanism: 0x1040, curve: '06052b81040022' },
  EdDSA: { mechanism: 0x1055, curve: '06032b6570' },
};
