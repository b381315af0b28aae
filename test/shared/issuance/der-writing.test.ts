// Is each value written in the one form that DER has for it, so that our strict reader takes it?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { onlyValue } from '../../../shared/identity/der.ts';
import {
  readBoolean,
  readLongNumber,
  readNumber,
  readOid,
  readTime,
  readWholeBits,
} from '../../../shared/identity/der-values.ts';
import {
  bits,
  integer,
  isTrue,
  octets,
  oid,
  primitive,
  printable,
  sequence,
  setOf,
  smallInteger,
  tagged,
  time,
  utf8,
  value,
} from '../../../shared/issuance/der-writing.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const ONE = Buffer.from([1]);
const SETTINGS = { seed: 20261125, numRuns: 300 };

describe('a value', () => {
  test.each([
    ['a sequence of nothing', sequence(), '3000'],
    ['a sequence of two', sequence(octets(Buffer.from([1])), isTrue()), '30060401010101ff'],
    ['a set of one', setOf(isTrue()), '31030101ff'],
    ['an explicit tag', tagged(3, smallInteger(2)), 'a303020102'],
    ['an implicit tag', primitive(6, Buffer.from('a')), '860161'],
    ['an object identifier', oid('550403'), '0603550403'],
    ['whole bits', bits(Buffer.from([1, 2])), '0303000102'],
    ['bits of which some are unused', bits(Buffer.from([0x80]), 7), '03020780'],
    ['UTF-8', utf8('ä'), '0c02c3a4'],
    ['plain text', printable('a'), '130161'],
    ['zero', smallInteger(0), '020100'],
    ['127', smallInteger(127), '02017f'],
    ['128, which would look negative', smallInteger(128), '02020080'],
    ['256', smallInteger(256), '02020100'],
    ['the largest small number', smallInteger(Number.MAX_SAFE_INTEGER), '02071fffffffffffff'],
    ['a number of no bytes', integer(Buffer.alloc(0)), '020100'],
    ['a number with zero bytes in front', integer(Buffer.from([0, 0, 0x80])), '02020080'],
  ])('%s', (_what, der, expected) => {
    expect(hex(der)).toBe(expected);
  });

  test.each([
    [0, '00'],
    [0x7f, '7f'],
    [0x80, '8180'],
    [0xff, '81ff'],
    [0x100, '820100'],
    [0xffff, '82ffff'],
    [0x10000, '83010000'],
    [0x123456, '83123456'],
  ])('of %i bytes has the shortest length there is', (length, expected) => {
    const der = octets(Buffer.alloc(length));
    expect(hex(der.subarray(1, der.length - length))).toBe(expected);
    expect(onlyValue(der)?.content).toHaveLength(length);
  });

  test('of 16 MiB is not written', () => {
    expect(() => value(0x04, Buffer.alloc(0x1000000))).toThrow(RangeError);
  });

  test.each([-1, 1.5, NaN, 2 ** 53])('the number %d is not written', (number) => {
    expect(() => smallInteger(number)).toThrow(RangeError);
  });
});

describe('T036 our strict reader reads back', () => {
  test('any number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 19 }), (bytes) => {
        const number = readLongNumber(onlyValue(integer(bytes)));
        expect(BigInt(`0x${number ?? ''}`)).toBe(BigInt(`0x${hex(bytes)}`));
      }),
      SETTINGS,
    );
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (number) => {
        expect(readNumber(onlyValue(smallInteger(number)))).toBe(number);
      }),
      SETTINGS,
    );
  });

  test('any bytes and bits, an object identifier, TRUE', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(hex(readWholeBits(onlyValue(bits(bytes))) ?? ONE)).toBe(hex(bytes));
        expect(hex(onlyValue(octets(bytes))?.content ?? ONE)).toBe(hex(bytes));
      }),
      SETTINGS,
    );
    expect(readOid(onlyValue(oid('2a8648ce3d040302')))).toBe('2a8648ce3d040302');
    expect(readBoolean(onlyValue(isTrue()))).toBe(true);
  });

  test('any time from 1950 to 9999', () => {
    const seconds = fc.integer({ min: Date.parse('1950-01-01') / 1000, max: Date.parse('9999-12-31') / 1000 });
    fc.assert(
      fc.property(seconds, (second) => {
        expect(readTime(onlyValue(time(second * 1000)))).toBe(second * 1000);
      }),
      SETTINGS,
    );
  });
});

describe('RFC 5280 4.1.2.5: a time', () => {
  test.each([
    ['1950-01-01T00:00:00Z', '170d', '500101000000Z'],
    ['1999-12-31T23:59:59Z', '170d', '991231235959Z'],
    ['2049-12-31T23:59:59Z', '170d', '491231235959Z'],
    ['2050-01-01T00:00:00Z', '180f', '20500101000000Z'],
    ['9999-12-31T23:59:59Z', '180f', '99991231235959Z'],
  ])('%s', (iso, head, digits) => {
    expect(time(Date.parse(iso))).toEqual(Buffer.concat([Buffer.from(head, 'hex'), Buffer.from(digits)]));
  });

  test.each(['1949-12-31T23:59:59Z', '+010000-01-01T00:00:00Z', '2026-11-25T10:00:00.001Z'])(
    '%s has no form',
    (iso) => {
      expect(() => time(Date.parse(iso))).toThrow(RangeError);
    },
  );
});
