// A signing key in AWS KMS. Decides nothing, and lets nobody sign unseen: each call to Sign is reported.
import { createHash, randomInt } from 'node:crypto';

import {
  DisabledException,
  GetPublicKeyCommand,
  InvalidKeyUsageException,
  KMSInvalidStateException,
  KMSServiceException,
  NotFoundException,
  SignCommand,
  type GetPublicKeyCommandOutput,
  type KMSClient,
  type KeySpec,
  type SignCommandOutput,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';

import { Fault } from '../outcome.ts';
import type { CertificateSigner, Clock, KeyHomes, SignatureAttempt, SigningAlgorithm } from '../ports.ts';

export interface KmsSignerWishes {
  /** Made with `maxAttempts: 1`: what the SDK repeats by itself, nobody would see. */
  readonly client: KMSClient;
  /** Of the key, not of an alias: an alias may point elsewhere tomorrow. */
  readonly keyArn: string;
  readonly algorithm: SigningAlgorithm;
  readonly clock: Pick<Clock, 'pause'>;
  /** Awaited after each call to Sign; when it throws, the signature is not answered. */
  readonly recordAttempt?: (attempt: SignatureAttempt) => Promise<void>;
}

/** Throws `key-unusable` for a key that is disabled, waits for its deletion, is not there, or signs otherwise. */
export function kmsCertificateSigner(wishes: KmsSignerWishes): CertificateSigner {
  let known: Promise<Uint8Array> | undefined;
  return {
    algorithm: wishes.algorithm,
    publicKey() {
      known ??= readPublicKey(wishes).catch((error: unknown) => {
        known = undefined;
        throw asFault(error, wishes.keyArn);
      });
      return known;
    },
    sign: (bytes) => signPatiently(bytes, wishes),
  };
}

/** `client` is made with `maxAttempts: 1`. The public key of each key is asked once. */
export function kmsKeyHomes(client: KMSClient, clock: Pick<Clock, 'pause'>): KeyHomes {
  const publicKeys = new Map<string, Promise<Uint8Array>>();
  return {
    open({ keyArn, algorithm }, recordAttempt): CertificateSigner {
      const signer = kmsCertificateSigner({ client, keyArn, algorithm, clock, recordAttempt });
      const publicKey = () => {
        const known = publicKeys.get(keyArn) ?? signer.publicKey();
        publicKeys.set(keyArn, known);
        // One that failed is asked again.
        known.catch(() => publicKeys.delete(keyArn));
        return known;
      };
      return { ...signer, publicKey };
    },
  };
}

async function readPublicKey({ client, keyArn, algorithm }: KmsSignerWishes): Promise<Uint8Array> {
  const answer = await client.send(new GetPublicKeyCommand({ KeyId: keyArn }));
  requireKey(answer, keyArn);
  requireUse(answer, { keyArn, algorithm });
  if (answer.PublicKey === undefined) throw malformed('GetPublicKey: expected a public key');
  return answer.PublicKey;
}

function requireUse(answer: GetPublicKeyCommandOutput, { keyArn, algorithm }: Asked) {
  const { spec, signing } = KINDS[algorithm];
  const fits = answer.KeyUsage === 'SIGN_VERIFY' && answer.KeySpec === spec;
  if (fits && answer.SigningAlgorithms?.includes(signing) === true) return;
  const { KeySpec = 'unknown', KeyUsage = 'unknown' } = answer;
  throw new Fault(
    'key-unusable',
    `KMS key "${keyArn}": expected ${spec} for ${signing}, got ${KeySpec} for ${KeyUsage}`,
  );
}

/** Each attempt signs the same bytes: of several signatures that KMS made, one is answered. */
async function signPatiently(bytes: Uint8Array, wishes: KmsSignerWishes): Promise<Uint8Array> {
  const { client, keyArn, algorithm, clock, recordAttempt = recordNothing } = wishes;
  if ((await client.config.maxAttempts()) !== 1)
    throw new Fault('environment-incomplete', 'expected a KMS client with maxAttempts 1: others sign unseen');
  for (let number = 1; ; number += 1) {
    const { answer, error } = await callSign(bytes, wishes);
    // Outside of every retry: an attempt that cannot be recorded ends here, signed or not.
    await recordAttempt({ keyArn, number, error: nameOf(error), requestId: requestOf(answer ?? error) });
    if (answer !== undefined) return readSignature(answer, { keyArn, algorithm });
    if (number === MOST_ATTEMPTS || !isPassing(error)) throw asFault(error, keyArn);
    // Full jitter: those who were turned away together do not come back together.
    await clock.pause(randomInt(1, FIRST_PAUSE_MS * 2 ** number));
  }
}

interface Call {
  readonly answer?: SignCommandOutput;
  readonly error?: unknown;
}

async function callSign(bytes: Uint8Array, { client, keyArn, algorithm }: KmsSignerWishes): Promise<Call> {
  const { signing, digest } = KINDS[algorithm];
  // Ed25519 signs the message itself. The others sign a digest made here: KMS takes messages of 4,096 bytes at most.
  const message =
    digest === undefined
      ? ({ Message: bytes, MessageType: 'RAW' } as const)
      : ({ Message: createHash(digest).update(bytes).digest(), MessageType: 'DIGEST' } as const);
  try {
    return { answer: await client.send(new SignCommand({ KeyId: keyArn, SigningAlgorithm: signing, ...message })) };
  } catch (error) {
    return { error };
  }
}

type Asked = Pick<KmsSignerWishes, 'keyArn' | 'algorithm'>;

function readSignature(answer: SignCommandOutput, { keyArn, algorithm }: Asked): Uint8Array {
  requireKey(answer, keyArn);
  const { signing } = KINDS[algorithm];
  if (answer.SigningAlgorithm === signing && answer.Signature !== undefined) return answer.Signature;
  throw malformed(`Sign: expected a signature by ${signing}`);
}

/** The key that answered is the one that was asked: nobody's key but this one stands behind the signature. */
function requireKey({ KeyId = 'none' }: { readonly KeyId?: string | undefined }, keyArn: string): void {
  if (KeyId !== keyArn) throw malformed(`expected the KMS key "${keyArn}", got "${KeyId}"`);
}

/** No answer, too many calls, or a fault of KMS itself. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof KMSServiceException)) return true;
  return error.name === 'ThrottlingException' || error.$fault === 'server';
}

function asFault(error: unknown, keyArn: string): unknown {
  if (!UNUSABLE.some((kind) => error instanceof kind)) return error;
  return new Fault('key-unusable', `KMS key "${keyArn}": ${nameOf(error) ?? ''}`, { cause: error });
}

function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

function requestOf(told: unknown): string | undefined {
  return (told as Partial<SignCommandOutput> | undefined)?.$metadata?.requestId;
}

function malformed(message: string): Fault {
  return new Fault('answer-malformed', message);
}

function recordNothing(): Promise<void> {
  return Promise.resolve();
}

const MOST_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 50;
/** PendingDeletion, PendingImport and Unavailable are an invalid state. */
const UNUSABLE = [DisabledException, NotFoundException, KMSInvalidStateException, InvalidKeyUsageException];

interface Kind {
  readonly spec: KeySpec;
  readonly signing: SigningAlgorithmSpec;
  readonly digest: string | undefined;
}

const KINDS: Readonly<Record<SigningAlgorithm, Kind>> = {
  ES256: { spec: 'ECC_NIST_P256', signing: 'ECDSA_SHA_256', digest: 'sha256' },
  ES384: { spec: 'ECC_NIST_P384', signing: 'ECDSA_SHA_384', digest: 'sha384' },
  EdDSA: { spec: 'ECC_NIST_EDWARDS25519', signing: 'ED25519_SHA_512', digest: undefined },
};
