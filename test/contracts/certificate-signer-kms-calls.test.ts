// What does the signer of AWS KMS send, and what does it make of each answer? On the SDK's own client, with answers in place of
// the network.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

import { KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, expect, test } from 'vitest';

import { kmsCertificateSigner } from '../../shared/aws/kms-certificate-signer.ts';
import type { SignatureAttempt } from '../../shared/ports.ts';
import type { SigningAlgorithm } from '../../shared/ports.ts';
import { FixedClock } from '../fakes/fixed-clock.ts';
import { SoftwareCertificateSigner } from '../fakes/software-certificate-signer.ts';

const KEY = 'arn:aws:kms:eu-central-1:000000000000:key/11111111-1111-4111-8111-111111111111';
const OTHER = KEY.replace(/1$/, '2');
const BYTES = Buffer.from('a certificate to be signed');

type Answer = { readonly status?: number; readonly body: object } | Error;

let answers: Answer[];
let sent: Record<string, string>[];
let attempts: SignatureAttempt[];
let clock: FixedClock;

beforeEach(() => {
  [answers, sent, attempts, clock] = [[], [], [], new FixedClock()];
});

const SIGNED = {
  body: { KeyId: KEY, SigningAlgorithm: 'ECDSA_SHA_256', Signature: Buffer.from('signature').toString('base64') },
};

function refusal(name: string, status = 400): Answer {
  return { status, body: { __type: name, message: 'told to' } };
}

interface Wishes {
  readonly algorithm?: SigningAlgorithm;
  readonly maxAttempts?: number;
  readonly record?: typeof keep;
}

function signer({ algorithm = 'ES256', maxAttempts = 1, record = keep }: Wishes = {}) {
  const client = new KMSClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts,
    requestHandler: { handle },
  });
  return kmsCertificateSigner({ client, keyArn: KEY, algorithm, clock, recordAttempt: record });
}

function keep(attempt: SignatureAttempt): Promise<void> {
  attempts.push(attempt);
  return Promise.resolve();
}

function handle(request: { body: string }) {
  sent.push(JSON.parse(request.body) as Record<string, string>);
  const answer = answers.shift() ?? new Error('asked once too often');
  if (answer instanceof Error) return Promise.reject(answer);
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': `request ${sent.length}` };
  const body = Readable.from([Buffer.from(JSON.stringify(answer.body))]);
  return Promise.resolve({ response: { statusCode: answer.status ?? 200, headers, body } });
}

test.each<[SigningAlgorithm, string, Buffer]>([
  ['ES256', 'ECDSA_SHA_256', createHash('sha256').update(BYTES).digest()],
  ['ES384', 'ECDSA_SHA_384', createHash('sha384').update(BYTES).digest()],
])('sends the digest of what %s signs', async (algorithm, SigningAlgorithm, digest) => {
  answers = [{ body: { KeyId: KEY, SigningAlgorithm, Signature: 'AAAA' } }];
  await signer({ algorithm }).sign(BYTES);
  expect(sent).toEqual([{ KeyId: KEY, SigningAlgorithm, MessageType: 'DIGEST', Message: digest.toString('base64') }]);
});

test('sends the bytes themselves where Ed25519 signs: their digest would be another message', async () => {
  const SigningAlgorithm = 'ED25519_SHA_512';
  answers = [{ body: { KeyId: KEY, SigningAlgorithm, Signature: 'AAAA' } }];
  await signer({ algorithm: 'EdDSA' }).sign(BYTES);
  expect(sent).toEqual([{ KeyId: KEY, SigningAlgorithm, MessageType: 'RAW', Message: BYTES.toString('base64') }]);
});

test.each<[string, Answer]>([
  ['throttling', refusal('ThrottlingException')],
  ['a fault of KMS', refusal('KMSInternalException', 500)],
  ['a key that is unavailable for a moment', refusal('KeyUnavailableException', 500)],
  ['a lost answer', new Error('ECONNRESET')],
])('asks again after %s, and shows every call', async (_what, answer) => {
  answers = [answer, answer, SIGNED];
  expect(Buffer.from(await signer().sign(BYTES)).toString()).toBe('signature');
  expect(attempts.map(({ number, error }) => [number, error === undefined])).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ]);
  expect(attempts[2]?.requestId).toBe('request 3');
  expect(sent.every((request) => request['Message'] === sent[0]?.['Message'])).toBe(true);
});

test('gives up after four calls, with longer pauses between them', async () => {
  answers = Array.from({ length: 200 }, () => refusal('ThrottlingException'));
  for (let count = 0; count < 30; count += 1)
    await expect(signer().sign(BYTES)).rejects.toMatchObject({ name: 'ThrottlingException' });
  expect([sent.length, attempts.length, clock.pauses.length]).toEqual([120, 120, 90]);
  expect(clock.pauses.every((pause, index) => pause >= 1 && pause < 100 * 2 ** (index % 3))).toBe(true);
  // Thirty times below 200 by chance: once in 2^30 runs.
  expect(Math.max(...clock.pauses.filter((_pause, index) => index % 3 === 2))).toBeGreaterThan(200);
});

test.each([
  ['DisabledException', { code: 'key-unusable' }],
  ['KMSInvalidStateException', { code: 'key-unusable' }],
  ['NotFoundException', { code: 'key-unusable' }],
  ['InvalidKeyUsageException', { code: 'key-unusable' }],
  ['AccessDeniedException', { name: 'AccessDeniedException' }],
])('asks once when KMS answers %s', async (name, thrown) => {
  answers = [refusal(name), SIGNED];
  await expect(signer().sign(BYTES)).rejects.toMatchObject(thrown);
  expect(attempts).toMatchObject([{ number: 1, error: name, requestId: 'request 1' }]);
});

test.each<[string, object]>([
  ['another key', { KeyId: OTHER }],
  ['no key', { KeyId: undefined }],
  ['another algorithm', { SigningAlgorithm: 'ECDSA_SHA_384' }],
  ['no signature', { Signature: undefined }],
])('takes no answer of %s, and does not ask again', async (_what, change) => {
  answers = [{ body: { ...SIGNED.body, ...change } }, SIGNED];
  await expect(signer().sign(BYTES)).rejects.toMatchObject({ code: 'answer-malformed' });
  expect(sent).toHaveLength(1);
});

test('answers no signature that could not be recorded, and makes no second one', async () => {
  answers = [SIGNED, SIGNED];
  const record = () => Promise.reject(new Error('the ledger is full'));
  await expect(signer({ record }).sign(BYTES)).rejects.toThrow('the ledger is full');
  expect(sent).toHaveLength(1);
});

test('refuses a client that would repeat calls by itself: nobody would see those', async () => {
  answers = [SIGNED];
  await expect(signer({ maxAttempts: 3 }).sign(BYTES)).rejects.toMatchObject({ code: 'environment-incomplete' });
  expect(sent).toEqual([]);
});

async function shown(change: object = {}): Promise<Answer> {
  const PublicKey = Buffer.from(await new SoftwareCertificateSigner().publicKey()).toString('base64');
  const SigningAlgorithms = ['ECDSA_SHA_256'];
  const answer = { KeyId: KEY, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', SigningAlgorithms, PublicKey };
  return { body: { ...answer, ...change } };
}

test('asks for the public key once, also when two ask at the same time', async () => {
  answers = [await shown()];
  const one = signer();
  const [first, second] = await Promise.all([one.publicKey(), one.publicKey()]);
  expect([second, await one.publicKey()]).toEqual([first, first]);
  expect(sent).toEqual([{ KeyId: KEY }]);
});

test('asks for the public key again when it got none', async () => {
  answers = [new Error('ECONNRESET'), await shown()];
  const one = signer();
  await expect(one.publicKey()).rejects.toThrow('ECONNRESET');
  expect((await one.publicKey()).length).toBe(91);
});

test.each<[string, object, string]>([
  ['of another key', { KeyId: OTHER }, 'answer-malformed'],
  ['that is missing', { PublicKey: undefined }, 'answer-malformed'],
  ['of another curve', { KeySpec: 'ECC_NIST_P384' }, 'key-unusable'],
  ['for key agreement', { KeyUsage: 'KEY_AGREEMENT' }, 'key-unusable'],
  ['for another algorithm', { SigningAlgorithms: ['ECDSA_SHA_384'] }, 'key-unusable'],
  ['for no algorithm', { SigningAlgorithms: undefined }, 'key-unusable'],
])('takes no public key %s', async (_what, change, code) => {
  answers = [await shown(change)];
  await expect(signer().publicKey()).rejects.toMatchObject({ code });
});
