// Which signatures does a public key check, and how many keys are kept in mind?
import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { readSigningKey } from '../../../shared/signing/signing-key.ts';
import { keysOf, spkiOf, weakKey } from '../../pki/crafted.ts';

const fresh = () => spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));

describe('a signing key', () => {
  test.each([
    ['ES256', () => spkiOf(keysOf('a signer'))],
    ['ES384', () => spkiOf(keysOf('a signer', 'P-384'))],
    ['EdDSA', () => spkiOf(generateKeyPairSync('ed25519'))],
  ])('of %s is known by its bytes', (algorithm, spki) => {
    expect(readSigningKey(spki())?.algorithm).toBe(algorithm);
  });

  test.each<[string, () => Buffer]>([
    ['RSA', () => spkiOf(keysOf('a signer', 'RSA'))],
    ['weak RSA', weakKey],
    ['P-521', () => spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }))],
    ['X25519', () => spkiOf(generateKeyPairSync('x25519'))],
    ['nothing', () => Buffer.alloc(0)],
    ['a byte behind it', () => Buffer.concat([fresh(), Buffer.from([0])])],
    [
      'T033 explicit parameters',
      () => spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })),
    ],
    ['T017 a point that is not on its curve', () => Buffer.concat([fresh().subarray(0, 27), Buffer.alloc(64, 1)])],
  ])('is not %s', (_what, spki) => {
    expect(readSigningKey(spki())).toBeUndefined();
  });

  test('is imported once, and 64 of them are kept at most: whoever brings many does not fill the memory', () => {
    const spki = fresh();
    const first = readSigningKey(spki);
    expect(readSigningKey(Buffer.from(spki))).toBe(first);
    for (let count = 0; count < 64; count += 1) readSigningKey(fresh());
    expect(readSigningKey(spki)).not.toBe(first);
  });
});
