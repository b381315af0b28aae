// Is each refusal remembered once per certificate, reason and version of the device row?
import { expect, test } from 'vitest';

import { deviceKey } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import {
  clonesOf,
  cloneKey,
  parseClone,
  parseRefusal,
  refusalKey,
  refusalPartition,
} from '../../../shared/whitelist/refusal.ts';

const AT = '2026-11-24T12:00:00.000Z';
const REFUSAL = { reason: 'not-owned', device: 'acme-A1' };
const ROW = { version: 1, reason: 'not-owned', at: AT, device: 'acme-A1', deviceVersion: 0, refusal: REFUSAL };

test('certificate, reason and version each make another row; all of a certificate stand together', () => {
  const keys = [
    refusalKey('a', 'not-owned', 0),
    refusalKey('a', 'not-owned', 1),
    refusalKey('a', 'not-listed', 0),
    refusalKey('b', 'not-owned', 0),
  ];
  expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(4);
  expect(keys.slice(0, 3).every(({ pk }) => pk === refusalPartition('a'))).toBe(true);
});

test('rows of one reason are in the order of versions', () => {
  const order = [0, 9, 10, 999_999].map((version) => refusalKey('a', 'not-owned', version).sk);
  expect([...order].sort()).toEqual(order);
});

test('a refusal comes back as it was; one that never came again has no repeats', () => {
  expect(parseRefusal(ROW)).toEqual({ ...ROW, repeats: 0 });
  expect(parseRefusal({ ...ROW, repeats: 3 }).repeats).toBe(3);
});

test.each([
  { version: 2 },
  { reason: undefined },
  { at: 'today' },
  { repeats: -1 },
  { deviceVersion: undefined },
  { deviceVersion: -1 },
  { deviceVersion: '1' },
  { refusal: undefined },
  { refusal: {} },
])('a refusal row with %j is a fault', (change) => {
  expect(() => parseRefusal({ ...ROW, ...change })).toThrow(Fault);
});

test('T052 a clone stands under the device it named, one row for each certificate', () => {
  const keys = [cloneKey('acme-A1', 'a'), cloneKey('acme-A1', 'b'), cloneKey('acme-A2', 'a')];
  expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(3);
  expect(keys.map(({ pk }) => pk)).toEqual(['acme-A1', 'acme-A1', 'acme-A2'].map((device) => clonesOf(device).pk));
});

test('T020 a clone that spells the device in another case stands under the same device', () => {
  expect(clonesOf('acme-a1')).toEqual(clonesOf('acme-A1'));
  expect(clonesOf('acme-A1').pk).not.toBe(deviceKey('acme-A1').pk);
});

test('a clone comes back as it was, and anything else is a fault', () => {
  const clone = { version: 1, certificateId: 'a', at: AT } as const;
  expect(parseClone({ ...clone, sk: 'clone#a' })).toEqual(clone);
  for (const change of [{ version: 2 }, { certificateId: undefined }, { at: 'today' }])
    expect(() => parseClone({ ...clone, ...change })).toThrow(Fault);
});
