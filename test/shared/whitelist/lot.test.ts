// Is a serial number within what was agreed, and does a lot come back only as it was agreed?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { anchorKey } from '../../../shared/identity/anchor.ts';
import { Fault } from '../../../shared/outcome.ts';
import {
  checkSerial,
  isLotName,
  isRange,
  lotCountKey,
  lotKey,
  parseLot,
  parseLotCount,
  type Lot,
} from '../../../shared/whitelist/lot.ts';

const LOT: Lot = { version: 1, manufacturer: 'acme', lot: 'L1', product: 'pump', count: 10 };
const SERIALS = { first: 'A100', last: 'A199' };
const RANGED: Lot = { ...LOT, serials: SERIALS };

describe('checkSerial', () => {
  test.each(['', 'A1', 'anything'])('takes "%s" for within where no range was agreed', (serial) => {
    expect(checkSerial(serial, LOT)).toEqual({ outcome: 'done', value: 'within' });
  });

  test.each(['A100', 'A150', 'A199'])('takes "%s" for within: both ends belong to the range', (serial) => {
    expect(checkSerial(serial, RANGED)).toEqual({ outcome: 'done', value: 'within' });
  });

  test.each([
    ['before the range', 'A099'],
    ['behind the range', 'A200'],
    ['of the same beginning, but shorter', 'A10'],
    ['between the two as text, but longer', 'A1000'],
    ['of the range, in small letters', 'a150'],
    ['empty', ''],
  ])('T013 refuses a serial number that is %s: "%s"', (_title, serial) => {
    expect(checkSerial(serial, RANGED)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'serial-out-of-range', ...SERIALS, got: serial },
    });
  });

  test('of numbers with leading zeros, exactly those from the first to the last are within', () => {
    const number = fc.nat(9999);
    const pad = (value: number) => String(value).padStart(4, '0');
    fc.assert(
      fc.property(number, number, number, (a, b, serial) => {
        const [first, last] = a <= b ? [a, b] : [b, a];
        const { outcome } = checkSerial(pad(serial), { ...LOT, serials: { first: pad(first), last: pad(last) } });
        expect(outcome).toBe(serial >= first && serial <= last ? 'done' : 'refused');
      }),
    );
  });

  test('a range that could hold nothing is none', () => {
    expect([SERIALS, { first: 'A', last: 'A' }].map(isRange)).toEqual([true, true]);
    const empty = [
      { first: '9', last: '10' },
      { first: '10', last: '9' },
      { first: '2', last: '1' },
    ];
    expect(empty.map(isRange)).toEqual([false, false, false]);
  });
});

describe('name', () => {
  test.each(['L', 'L1', '2026-11.b_7', 'a'.repeat(64)])('may be "%s"', (name) => {
    expect(isLotName(name)).toBe(true);
  });

  test.each(['', '-L', '.', '..', '../L', 'L/1', 'L#1', 'L 1', 'L\n', 'ü', 'a'.repeat(65)])('may not be %j', (name) => {
    expect(isLotName(name)).toBe(false);
  });
});

describe('rows', () => {
  test.each([LOT, RANGED, { ...LOT, count: 0 }])('a lot comes back as it was: %j', (lot) => {
    expect(parseLot(JSON.parse(JSON.stringify(lot)))).toEqual(lot);
  });

  test.each([
    undefined,
    {},
    { ...LOT, version: 2 },
    { ...LOT, count: -1 },
    { ...LOT, count: 1.5 },
    { ...LOT, count: undefined },
    { ...LOT, product: undefined },
    { ...LOT, serials: {} },
    { ...LOT, serials: null },
    { ...LOT, serials: { ...SERIALS, step: 2 } },
  ])('a lot that is not as agreed is a fault, never one without bounds: %j', (lot) => {
    expect(() => parseLot(lot)).toThrow(Fault);
  });

  test('a count comes back as it was; anything else is a fault', () => {
    expect(parseLotCount({ version: 3, listed: 7 })).toEqual({ version: 3, listed: 7 });
    for (const row of [undefined, {}, { version: 0, listed: 7 }, { version: 1, listed: -1 }, { version: 1 }])
      expect(() => parseLotCount(row)).toThrow(Fault);
  });

  test('every lot of every manufacturer has a place of its own, its count another, and none is an anchor', () => {
    const keys = [
      lotKey('acme', 'L1'),
      lotKey('acme', 'L2'),
      lotKey('other', 'L1'),
      lotCountKey('acme', 'L1'),
      lotCountKey('acme', 'L2'),
      lotCountKey('other', 'L1'),
      anchorKey('acme', 'authority', 'L1'),
    ];
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(keys.length);
  });
});
