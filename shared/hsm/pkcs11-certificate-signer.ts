// A signing key in a PKCS #11 token: SoftHSM, NSS, AWS CloudHSM, nShield. Decides nothing.
//
//   const { modulePath, token, key, pinFile } = parsePkcs11Uri(text)
//   pkcs11CertificateSigner({ token: pkcs11Token({ modulePath, token, readPin: () => readPinFile(pinFile) }), key, ... })
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { Handle, PKCS11 } from 'pkcs11js';

import { Fault } from '../outcome.ts';
import type { CertificateSigner, SigningAlgorithm } from '../ports.ts';

interface OpenSession {
  readonly pkcs11: PKCS11;
  readonly session: Handle;
}

export interface Pkcs11SignerWishes {
  /** Gives a session that is logged in, to one at a time. */
  readonly token: { use<T>(work: (open: OpenSession) => T | Promise<T>): Promise<T> };
  /** Label or id of the key; exactly one private key must fit. */
  readonly key: { readonly object?: string; readonly id?: Uint8Array };
  readonly algorithm: SigningAlgorithm;
  /** From r || s to DER: `encodeEcdsa`, handed in because an adapter knows no chapter. */
  readonly encodeEcdsa: (sides: Uint8Array, algorithm: 'ES256' | 'ES384') => Uint8Array | undefined;
}

export function pkcs11CertificateSigner(wishes: Pkcs11SignerWishes): CertificateSigner {
  const { token, algorithm } = wishes;
  let cached: { readonly open: OpenSession; readonly keys: Keys } | undefined;
  const keysIn = (open: OpenSession): Keys => {
    if (cached?.open !== open) cached = { open, keys: findKeys(open, wishes) };
    return cached.keys;
  };
  return {
    algorithm,
    publicKey: () => token.use((open) => keysIn(open).publicKey),
    sign: (bytes) => token.use(async (open) => inX509(await signIn(open, keysIn(open), { algorithm, bytes }), wishes)),
  };
}

/** The first line of a file, as it stands: blanks are part of a PIN, the end of the line is not. */
export function readPinFile(path: string): string {
  const [pin = ''] = readFileSync(path, 'utf8').split(/\r?\n/, 1);
  if (pin !== '') return pin;
  throw new Fault('environment-incomplete', `expected a PIN in the file "${path}"`);
}

interface Keys {
  readonly privateKey: Handle;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

interface Order {
  readonly algorithm: SigningAlgorithm;
  readonly bytes: Uint8Array;
}

function signIn({ pkcs11, session }: OpenSession, { privateKey }: Keys, { algorithm, bytes }: Order): Promise<Buffer> {
  const { mechanism, digest } = KINDS[algorithm];
  // The plain mechanism on a digest made here: every dialect has it, and those that hash do it in the client anyway.
  const input = digest === undefined ? Buffer.from(bytes) : createHash(digest).update(bytes).digest();
  pkcs11.C_SignInit(session, { mechanism }, privateKey);
  return pkcs11.C_SignAsync(session, input, Buffer.alloc(LONGEST_SIGNATURE));
}

/** PKCS #11 v2.40 2.3.1: r and s side by side. */
function inX509(answer: Buffer, { algorithm, encodeEcdsa }: Pkcs11SignerWishes): Uint8Array {
  const signature = algorithm === 'EdDSA' ? answer : encodeEcdsa(answer, algorithm);
  if (signature !== undefined) return signature;
  throw new Fault('answer-malformed', `the token answered no signature of ${algorithm}, but ${answer.length} bytes`);
}

function findKeys(open: OpenSession, { key, algorithm }: Pkcs11SignerWishes): Keys {
  const { pkcs11, session } = open;
  const privateKey = findOne(open, [{ type: CKA.class, value: CLASS.privateKey }, ...namesOf(key)], 'private key');
  const [{ value: id } = { value: Buffer.alloc(0) }] = pkcs11.C_GetAttributeValue(session, privateKey, [
    { type: CKA.id },
  ]);
  // The pair shares an id where it has one; a label may be anybody's.
  const names = id.length > 0 ? [{ type: CKA.id, value: id }] : namesOf(key);
  const other = findOne(open, [{ type: CKA.class, value: CLASS.publicKey }, ...names], 'public key');
  const wanted = [{ type: CKA.ecParameters }, { type: CKA.ecPoint }];
  const [parameters, point] = pkcs11.C_GetAttributeValue(session, other, wanted);
  return { privateKey, publicKey: spkiOf(parameters?.value, point?.value, algorithm) };
}

type Template = Parameters<PKCS11['C_FindObjectsInit']>[1];

function namesOf({ object, id }: Pkcs11SignerWishes['key']): Template {
  const label = object === undefined ? [] : [{ type: CKA.label, value: object }];
  return [...label, ...(id === undefined ? [] : [{ type: CKA.id, value: Buffer.from(id) }])];
}

/** Two objects that fit are as bad as none: either may be the wrong one. */
function findOne({ pkcs11, session }: OpenSession, template: Template, what: string): Handle {
  pkcs11.C_FindObjectsInit(session, template);
  const found = findAll(pkcs11, session);
  const [handle, ...more] = found;
  if (handle !== undefined && more.length === 0) return handle;
  throw new Fault('key-unusable', `expected one ${what} of this name in the token, got ${found.length}`);
}

function findAll(pkcs11: PKCS11, session: Handle): readonly Handle[] {
  try {
    return pkcs11.C_FindObjects(session, 2);
  } finally {
    pkcs11.C_FindObjectsFinal(session);
  }
}

/** The curve's name must be the one of the algorithm, byte for byte; node:crypto takes points of the curve only. */
function spkiOf(parameters: Buffer | undefined, octets: Buffer | undefined, algorithm: SigningAlgorithm): Uint8Array {
  const { curves, size } = KINDS[algorithm];
  const point = bareOf(octets ?? Buffer.alloc(0), size);
  const named = parameters !== undefined && curves.includes(parameters.toString('hex'));
  if (!named || point === undefined) throw new Fault('key-unusable', `expected a key of ${algorithm} in the token`);
  try {
    const key = createPublicKey({ key: jwkOf(point, algorithm), format: 'jwk' });
    return key.export({ format: 'der', type: 'spki' });
  } catch (cause) {
    throw new Fault('key-unusable', `expected a point of the curve of ${algorithm} in the token`, { cause });
  }
}

/** RFC 7517 and RFC 8037. */
function jwkOf(point: Buffer, algorithm: SigningAlgorithm): Record<string, string> {
  const { jwk } = KINDS[algorithm];
  if (algorithm === 'EdDSA') return { ...jwk, x: text(point) };
  // SEC 1 2.3.3: 04, x, y. Other first bytes say that y is written in another way.
  if (point[0] !== 0x04) throw new Error('expected an uncompressed point');
  const middle = (point.length + 1) / 2;
  return { ...jwk, x: text(point.subarray(1, middle)), y: text(point.subarray(middle)) };
}

/**
 * PKCS #11 v2.40 2.3.3: CKA_EC_POINT is the point in an OCTET STRING; some dialects leave the string away. Both begin
 * with 04: the length tells them apart.
 */
function bareOf(octets: Buffer, size: number): Buffer | undefined {
  if (octets.length === size) return octets;
  const header = Buffer.from([0x04, size]);
  return octets.length === size + 2 && header.equals(octets.subarray(0, 2)) ? octets.subarray(2) : undefined;
}

function text(bytes: Buffer): string {
  return bytes.toString('base64url');
}

interface Kind {
  readonly mechanism: number;
  readonly digest: string | undefined;
  /** Bytes of the point, with the 04 of an uncompressed one. */
  readonly size: number;
  /** What CKA_EC_PARAMS may be: the curve's object identifier, for Ed25519 also its name (PKCS #11 v3.0 2.3.5). */
  readonly curves: readonly string[];
  readonly jwk: { readonly kty: string; readonly crv: string };
}

// PKCS #11 v2.40 and, for CKM_EDDSA, v3.0: the numbers of pkcs11t.h.
const CKM_ECDSA = 0x1041;
const CKM_EDDSA = 0x1057;
const CKA = { class: 0, label: 3, id: 0x102, ecParameters: 0x180, ecPoint: 0x181 } as const;
const CLASS = { publicKey: 2, privateKey: 3 } as const;
const LONGEST_SIGNATURE = 96;

const KINDS: Readonly<Record<SigningAlgorithm, Kind>> = {
  ES256: {
    mechanism: CKM_ECDSA,
    digest: 'sha256',
    size: 65,
    curves: ['06082a8648ce3d030107'],
    jwk: { kty: 'EC', crv: 'P-256' },
  },
  ES384: {
    mechanism: CKM_ECDSA,
    digest: 'sha384',
    size: 97,
    curves: ['06052b81040022'],
    jwk: { kty: 'EC', crv: 'P-384' },
  },
  EdDSA: {
    mechanism: CKM_EDDSA,
    digest: undefined,
    size: 32,
    curves: ['06032b6570', '130c656477617264733235353139'],
    jwk: { kty: 'OKP', crv: 'Ed25519' },
  },
};
