// Does a hostile set of certificates stay cheap? Signature checks are counted where they are made, in Node's own verify.
import type * as crypto from 'node:crypto';

import { beforeEach, describe, expect, test, vi } from 'vitest';

const calls = vi.hoisted(() => ({ verify: 0 }));
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  const verify = (...given: [string, Uint8Array, crypto.VerifyKeyObjectInput, Uint8Array]): boolean => {
    calls.verify += 1;
    return real.verify(...given);
  };
  return { ...real, verify };
});

const { verifyPath } = await import('../../../shared/identity/path.ts');
const { basic, craft, craftAuthority, craftDevice, extension, keysOf, keyUsage, nameOf } =
  await import('../../pki/crafted.ts');
const { craftList } = await import('../../pki/crafted-list.ts');
const { tlv } = await import('../../pki/der.ts');
type Crafted = ReturnType<typeof craft>;

const NOW = '2026-11-24T12:00:00.000Z';
const MOST = 16;
const root = craftAuthority({ name: 'Root' });

beforeEach(() => {
  calls.verify = 0;
});

type Lists = Parameters<typeof verifyPath>[0]['revocation'];

function ask(leaf: Crafted, issuers: readonly Crafted[], revocation?: Lists) {
  const brought = issuers.map(({ certificate }) => certificate);
  const question = {
    leaf: leaf.certificate,
    issuers: brought,
    anchors: [root.certificate],
    usage: 'device',
    now: NOW,
  } as const;
  return verifyPath(revocation === undefined ? question : { ...question, revocation });
}

test('a good path costs one check a certificate, and with lists one more for each', () => {
  const upper = craftAuthority({ name: 'Upper', issuer: root });
  const lower = craftAuthority({ name: 'Lower', issuer: upper });
  const leaf = craftDevice({ name: 'A1', issuer: lower });
  expect(ask(leaf, [upper, lower])).toMatchObject({ outcome: 'done' });
  expect(calls.verify).toBe(3);
  const lists = [root, upper, lower].map((issuer) => craftList({ issuer }));
  calls.verify = 0;
  expect(ask(leaf, [upper, lower], lists)).toMatchObject({ outcome: 'done' });
  expect(calls.verify).toBe(6);
});

test('a hint finds the issuer among a hundred of its name at the first try', () => {
  const good = craftAuthority({ name: 'Many', key: 'Many 99', issuer: root });
  const leaf = craftDevice({ name: 'A1', issuer: good });
  expect(ask(leaf, [...manyOf({ keys: 99 }), good])).toMatchObject({ outcome: 'done' });
  expect(calls.verify).toBe(2);
});

describe('T039 refuses in a bounded number of checks', () => {
  test('two authorities that certify one another', () => {
    const one = craftAuthority({ name: 'One' });
    const oneByTwo = craftAuthority({ name: 'One', issuer: craftAuthority({ name: 'Two' }) });
    const twoByOne = craftAuthority({ name: 'Two', issuer: one });
    expect(ask(craftDevice({ name: 'A1', issuer: one }), [oneByTwo, twoByOne])).toMatchObject({ outcome: 'refused' });
    expect(calls.verify).toBeLessThanOrEqual(MOST);
  });

  test.each([
    ['a key each', { keys: 100 }],
    ['one key', { keys: 1 }],
  ])('a hundred authorities of one name, %s: the search says that it ended', (_title, wishes) => {
    const many = manyOf(wishes);
    const leaf = craftDevice({ name: 'A1', issuer: craftAuthority({ name: 'Many', key: 'nobody' }) });
    expect(ask(leaf, many)).toMatchObject({ outcome: 'refused' });
    expect(calls.verify).toBeLessThanOrEqual(MOST);
  });

  test('a hundred authorities of one name and one key, which signed all of them and the leaf: every way is as good', () => {
    const leaf = craftDevice({ name: 'A1', issuer: { keys: keysOf('Many 0'), subject: nameOf('Many') } });
    expect(ask(leaf, manyOf({ keys: 1 }))).toMatchObject({
      refusal: { reason: 'path-search-ended', limit: 'links', most: 128 },
    });
    expect(calls.verify).toBeLessThanOrEqual(MOST);
  });

  test('three levels of thirty authorities each, where everybody could have issued everybody below', () => {
    const level = (name: string, above: string) => {
      const issuer = { keys: keysOf('of all'), subject: nameOf(above) };
      const numbers = Array.from({ length: 30 }, (_none, index) => `01${String(index).padStart(2, '0')}`);
      return numbers.map((serial) => craftAuthority({ name, key: `of all ${serial}`, issuer, serial }));
    };
    const leaf = craftDevice({ name: 'A1', issuer: { keys: keysOf('of all 0129'), subject: nameOf('Low') } });
    const levels = [level('Low', 'Mid'), level('Mid', 'High'), level('High', 'Root')];
    expect(ask(leaf, levels.flat())).toMatchObject({
      refusal: { reason: 'path-search-ended', limit: 'signature checks', most: MOST },
    });
    expect(calls.verify).toBe(MOST);
  });

  test('an issuer with 2,048 name constraints, before any of them is compared', () => {
    const constraints = Array.from({ length: 2048 }, () => tlv(0x30, tlv(0x82)));
    const limits = extension('551d1e', tlv(0x30, tlv(0xa0, ...constraints)), true);
    const limited = craft({
      name: 'Limited',
      issuer: root,
      extensions: [basic(true), keyUsage('keyCertSign'), limits],
    });
    expect(ask(craftDevice({ name: 'A1', issuer: limited }), [limited])).toMatchObject({
      refusal: { reason: 'extension-unknown', oid: '2.5.29.30' },
    });
    expect(calls.verify).toBe(1);
  });

  test('more certificates than anybody needs, before any of them is read', () => {
    const leaf = craftDevice({ name: 'A1', issuer: root });
    expect(
      ask(
        leaf,
        Array.from({ length: 256 }, () => root),
      ),
    ).toMatchObject({
      refusal: { reason: 'path-search-ended', limit: 'certificates', most: 256 },
    });
    expect(calls.verify).toBe(0);
  });

  test('a hundred lists of one issuer', () => {
    const leaf = craftDevice({ name: 'A1', issuer: root });
    const stranger = { ...root, keys: craftAuthority({ name: 'Stranger' }).keys };
    const lists = Array.from({ length: 100 }, () => craftList({ issuer: stranger }));
    expect(ask(leaf, [], lists)).toMatchObject({ refusal: { reason: 'crl-unusable' } });
    expect(calls.verify).toBe(MOST);
  });
});

/** A hundred, none of them above the leaf, all below the root by name and by nobody's key. */
function manyOf({ keys }: { readonly keys: number }): readonly Crafted[] {
  return Array.from({ length: 100 }, (_none, index) =>
    craftAuthority({ name: 'Many', key: `Many ${index % keys}`, serial: `01${String(index).padStart(4, '0')}` }),
  );
}
