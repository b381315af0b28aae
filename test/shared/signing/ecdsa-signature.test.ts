// Does an ECDSA signature survive the way from one form to the other, and does nothing else?
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodeEcdsa, encodeEcdsa, type EcdsaAlgorithm } from '../../../shared/signing/ecdsa-signature.ts';
import { tlv } from '../../pki/der.ts';
import { CORPORA } from '../identity/corpora.ts';

const KINDS = [
  { algorithm: 'ES256', size: 32, digest: 'sha256', namedCurve: 'P-256' },
  { algorithm: 'ES384', size: 48, digest: 'sha384', namedCurve: 'P-384' },
] as const;

describe.each(KINDS)('$algorithm', ({ algorithm, size, digest, namedCurve }) => {
  const one = Buffer.alloc(size, 0).fill(1, size - 1);
  const largest = Buffer.alloc(size, 0xff);
  const short = (zeros: number, first: number) =>
    Buffer.concat([Buffer.alloc(zeros), Buffer.alloc(size - zeros, first)]);
  const integer = (...bytes: readonly number[]) => tlv(0x02, Buffer.from(bytes));
  const sequence = (...values: readonly Buffer[]) => tlv(0x30, ...values);

  test.each<[string, Buffer, Buffer, string]>([
    ['the smallest numbers', one, one, '3006020101020101'],
    ['a number that would look negative', short(size - 1, 0x80), one, '300702020080020101'],
    ['a number that just does not', short(size - 1, 0x7f), one, '300602017f020101'],
    ['two zero bytes in front of both', short(size - 2, 0x12), short(size - 2, 0x92), '300902021212020300' + '9292'],
  ])('writes %s in the shortest form, and reads them back at full length', (_what, r, s, der) => {
    const sides = Buffer.concat([r, s]);
    expect(Buffer.from(encodeEcdsa(sides, algorithm) ?? []).toString('hex')).toBe(der);
    expect(decodeEcdsa(Buffer.from(der, 'hex'), algorithm)).toEqual(sides);
  });

  test('keeps the largest numbers there are', () => {
    const sides = Buffer.concat([largest, largest]);
    const der = encodeEcdsa(sides, algorithm) ?? Buffer.alloc(0);
    expect(der).toHaveLength(2 + 2 * (3 + size));
    expect(decodeEcdsa(der, algorithm)).toEqual(sides);
  });

  test('T007 forces leading zeros both ways: any two numbers come back as they were', () => {
    // Half of them short: a random number begins with a zero byte once in 256 times.
    const coordinate = fc
      .tuple(fc.nat(size - 1), fc.uint8Array({ minLength: size, maxLength: size }))
      .map(([zeros, bytes]) => Buffer.concat([Buffer.alloc(zeros), Buffer.from(bytes).subarray(zeros)]))
      .filter((bytes) => bytes.some((byte) => byte !== 0));
    fc.assert(
      fc.property(coordinate, coordinate, (r, s) => {
        const sides = Buffer.concat([r, s]);
        const der = encodeEcdsa(sides, algorithm) ?? Buffer.alloc(0);
        expect(decodeEcdsa(der, algorithm)).toEqual(sides);
      }),
      { seed: 20261125, numRuns: 2000 },
    );
  });

  test('writes as node:crypto writes, and reads what it wrote', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    for (let count = 0; count < 300; count += 1) {
      const message = Buffer.from(`message ${count}`);
      const der = sign(digest, message, privateKey);
      const sides = decodeEcdsa(der, algorithm) ?? Buffer.alloc(0);
      expect(verify(digest, message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, sides)).toBe(true);
      expect(encodeEcdsa(sides, algorithm)).toEqual(der);
    }
  });

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['one byte less', Buffer.alloc(2 * size - 1, 1)],
    ['one byte more', Buffer.alloc(2 * size + 1, 1)],
    ['one number only', Buffer.alloc(size, 1)],
    ['r of zero', Buffer.concat([Buffer.alloc(size), one])],
    ['s of zero', Buffer.concat([one, Buffer.alloc(size)])],
  ])('T007 writes no signature of %s', (_what, sides) => {
    expect(encodeEcdsa(sides, algorithm)).toBeUndefined();
  });

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['no values', sequence()],
    ['one number', sequence(integer(1))],
    ['three numbers', sequence(integer(1), integer(1), integer(1))],
    ['r of zero', sequence(integer(0), integer(1))],
    ['s of zero', sequence(integer(1), integer(0))],
    ['a number of no bytes', sequence(integer(), integer(1))],
    ['a negative r', sequence(integer(0x80), integer(1))],
    ['a negative s', sequence(integer(1), integer(0xff, 0x7f))],
    ['a zero byte that nothing needs', sequence(integer(0, 0x7f), integer(1))],
    ['a number too long for the curve', sequence(integer(1, ...Buffer.alloc(size)), integer(1))],
    ['another tag for a number', sequence(tlv(0x0a, Buffer.from([1])), integer(1))],
    ['a set', tlv(0x31, integer(1), integer(1))],
    ['a byte behind it', Buffer.concat([sequence(integer(1), integer(1)), Buffer.from([0])])],
    ['a byte too few', sequence(integer(1), integer(1)).subarray(0, -1)],
    ['a long length', Buffer.from('308106020101020101', 'hex')],
    ['an indefinite length', Buffer.from('30800201010201010000', 'hex')],
    ['r and s side by side', Buffer.concat([largest, largest])],
  ])('T007 reads no signature from %s', (_what, der) => {
    expect(decodeEcdsa(der, algorithm)).toBeUndefined();
  });
});

const FOLDER = join(CORPORA, 'wycheproof');

interface Vectors {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
    }[];
  }[];
}

/** Ids of the vectors of which the conversion would make another verdict. */
function disagreements(file: string, accepts: (vector: Vector) => boolean): readonly number[] {
  const { testGroups } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Vectors;
  expect(testGroups.flatMap(({ tests }) => tests).length).toBeGreaterThan(250);
  return testGroups.flatMap(({ publicKeyDer, tests }) => {
    const key = createPublicKey({ key: Buffer.from(publicKeyDer, 'hex'), format: 'der', type: 'spki' });
    const wrong = tests.filter(({ msg, sig, result }) => {
      const vector = { key, message: Buffer.from(msg, 'hex'), signature: Buffer.from(sig, 'hex') };
      return accepts(vector) !== (result === 'valid');
    });
    return wrong.map(({ tcId }) => tcId);
  });
}

interface Vector {
  readonly key: ReturnType<typeof createPublicKey>;
  readonly message: Buffer;
  readonly signature: Buffer;
}

describe.skipIf(!existsSync(FOLDER))('Wycheproof (skips without ../shared/corpora)', () => {
  test.each<[string, EcdsaAlgorithm, string]>([
    ['ecdsa_secp256r1_sha256_test.json', 'ES256', 'sha256'],
    ['ecdsa_secp384r1_sha384_test.json', 'ES384', 'sha384'],
  ])(
    'T007 %s: what is read from DER is valid side by side where it was valid, and nowhere else',
    (file, algorithm, digest) => {
      const accepts = ({ key, message, signature }: Vector) => {
        const sides = decodeEcdsa(signature, algorithm);
        return sides !== undefined && verify(digest, message, { key, dsaEncoding: 'ieee-p1363' }, sides);
      };
      expect(disagreements(file, accepts)).toEqual([]);
    },
  );

  test.each<[string, EcdsaAlgorithm, string]>([
    ['ecdsa_secp256r1_sha256_p1363_test.json', 'ES256', 'sha256'],
    ['ecdsa_secp384r1_sha384_p1363_test.json', 'ES384', 'sha384'],
  ])(
    'T007 %s: what is written in DER is valid where it was valid side by side, and nowhere else',
    (file, algorithm, digest) => {
      const accepts = ({ key, message, signature }: Vector) => {
        const der = encodeEcdsa(signature, algorithm);
        return der !== undefined && verify(digest, message, { key, dsaEncoding: 'der' }, der);
      };
      expect(disagreements(file, accepts)).toEqual([]);
    },
  );
});
