// Does the one function that checks signatures of certificates and lists agree with Wycheproof, case by case?
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { nameAlgorithm, verifySignature } from '../../../shared/identity/signature.ts';
import { algorithmOf, keysOf, type Digest } from '../../pki/crafted.ts';
import { tlv } from '../../pki/der.ts';
import { CORPORA } from './corpora.ts';

const FOLDER = join(CORPORA, 'wycheproof');
const MESSAGE = Buffer.from('what was signed');

interface Group {
  readonly publicKeyDer: string;
  readonly tests: readonly {
    readonly tcId: number;
    readonly msg: string;
    readonly sig: string;
    readonly result: string;
  }[];
}

function groupsOf(file: string): readonly Group[] {
  const { testGroups } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as {
    readonly testGroups: readonly Group[];
  };
  return testGroups;
}

/** Ids of the cases for which the function says something else than Wycheproof. */
function disagreements(file: string, algorithm: Buffer, expected = (result: string) => result): readonly string[] {
  return groupsOf(file).flatMap(({ publicKeyDer, tests }) => {
    const key = createPublicKey({ key: Buffer.from(publicKeyDer, 'hex'), format: 'der', type: 'spki' });
    return tests.flatMap(({ tcId, msg, sig, result }) => {
      const question = { algorithm, key, signed: Buffer.from(msg, 'hex'), signature: Buffer.from(sig, 'hex') };
      const got = verifySignature(question) === 'good' ? 'valid' : 'invalid';
      return got === expected(result) ? [] : [`${file} ${tcId}`];
    });
  });
}

describe.skipIf(!existsSync(FOLDER))('Wycheproof', () => {
  const ec = keysOf('any').privateKey;

  test.each<[string, Digest]>([
    ['ecdsa_secp256r1_sha256_test.json', 'sha256'],
    ['ecdsa_secp384r1_sha384_test.json', 'sha384'],
  ])('T007 %s: no case is decided in another way', (file, digest) => {
    expect(groupsOf(file).flatMap(({ tests }) => tests).length).toBeGreaterThan(400);
    expect(disagreements(file, algorithmOf(ec, digest))).toEqual([]);
  });

  test('T007 no signature of RSA-PSS is one of PKCS #1 v1.5, but for the one that is', () => {
    const [file, rsa] = ['rsa_pss_2048_sha256_mgf1_32_test.json', algorithmOf(keysOf('any', 'RSA').privateKey)];
    // Wycheproof signed its last case with PKCS #1 v1.5, so that readers of PSS refuse it.
    expect(disagreements(file, rsa, () => 'invalid')).toEqual([`${file} 108`]);
  });
});

describe('verifySignature', () => {
  test.each(['P-256', 'P-384', 'RSA'] as const)(
    'takes what a %s key signed with SHA-256, -384 and -512, over these bytes',
    (kind) => {
      const { privateKey, publicKey: key } = keysOf('signing', kind);
      for (const digest of ['sha256', 'sha384', 'sha512'] as const) {
        const question = {
          algorithm: algorithmOf(privateKey, digest),
          key,
          signed: MESSAGE,
          signature: sign(digest, MESSAGE, privateKey),
        };
        expect(verifySignature(question)).toBe('good');
        expect(verifySignature({ ...question, signed: Buffer.from('another') })).toBe('wrong');
        expect(verifySignature({ ...question, key: keysOf('another', kind).publicKey })).toBe('wrong');
        const other = digest === 'sha256' ? 'sha512' : 'sha256';
        expect(verifySignature({ ...question, algorithm: algorithmOf(privateKey, other) })).toBe('wrong');
      }
    },
  );

  test.each([
    ['ECDSA with SHA-1', '300906072a8648ce3d0401'],
    ['RSA with SHA-1', '300d06092a864886f70d0101050500'],
    ['RSA-PSS', '300d06092a864886f70d01010a3000'],
    ['Ed25519', '300506032b6570'],
    ['ECDSA with SHA-256 and parameters', '300c06082a8648ce3d0403020500'],
    ['RSA with SHA-256 and no parameters', '300b06092a864886f70d01010b'],
    ['nothing', '3000'],
    ['no bytes', ''],
  ])('knows no %s', (_title, algorithm) => {
    const { publicKey: key, privateKey } = keysOf('signing');
    const question = {
      algorithm: Buffer.from(algorithm, 'hex'),
      key,
      signed: MESSAGE,
      signature: sign('sha256', MESSAGE, privateKey),
    };
    expect(verifySignature(question)).toBe('unsupported');
  });

  test('an algorithm of another kind than the key is wrong, whatever the signature', () => {
    const [ec, rsa] = [keysOf('signing'), keysOf('signing', 'RSA')];
    for (const [algorithm, keys] of [
      [algorithmOf(rsa.privateKey), ec],
      [algorithmOf(ec.privateKey), rsa],
    ] as const) {
      const signature = sign('sha256', MESSAGE, keys.privateKey);
      expect(verifySignature({ algorithm, key: keys.publicKey, signed: MESSAGE, signature })).toBe('wrong');
    }
    const { publicKey: key, privateKey } = generateKeyPairSync('ed25519');
    const signature = sign(null, MESSAGE, privateKey);
    expect(verifySignature({ algorithm: algorithmOf(ec.privateKey), key, signed: MESSAGE, signature })).toBe('wrong');
  });

  test('r and s side by side are no signature in a certificate, and neither are no bytes', () => {
    const { publicKey: key, privateKey } = keysOf('signing');
    const plain = sign('sha256', MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    for (const signature of [plain, Buffer.alloc(0), Buffer.alloc(4096)])
      expect(verifySignature({ algorithm: algorithmOf(privateKey), key, signed: MESSAGE, signature })).toBe('wrong');
  });

  test('an algorithm is named by its object identifier', () => {
    expect(nameAlgorithm(algorithmOf(keysOf('any').privateKey))).toBe('1.2.840.10045.4.3.2');
    for (const unreadable of [Buffer.alloc(0), tlv(0x30), tlv(0x05)])
      expect(nameAlgorithm(unreadable)).toBe('unreadable');
  });
});
