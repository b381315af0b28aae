// Is each value read in the one form that DER allows, and in no other?
import { describe, expect, test } from 'vitest';

import { onlyValue } from '../../../shared/identity/der.ts';
import {
  dotted,
  readBoolean,
  readName,
  readNamedBits,
  readNumber,
  readOid,
  readSerial,
  readTime,
  readWholeBits,
} from '../../../shared/identity/der-values.ts';

const value = (hex: string) => onlyValue(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test.each([
  ['01 01 ff', true],
  ['01 01 00', false],
  ['01 01 01', undefined],
  ['01 00', undefined],
  ['01 02 ffff', undefined],
  ['02 01 ff', undefined],
])('a BOOLEAN %s is %s', (hex, expected) => {
  expect(readBoolean(value(hex))).toBe(expected);
});

test.each([
  ['02 01 00', 0],
  ['02 01 7f', 127],
  ['02 02 0080', 128],
  ['02 04 7fffffff', 2 ** 31 - 1],
  ['02 05 0080000000', undefined],
  ['02 02 007f', undefined],
  ['02 01 80', undefined],
  ['02 00', undefined],
  ['0a 01 01', undefined],
])('a number %s is %s', (hex, expected) => {
  expect(readNumber(value(hex))).toBe(expected);
});

test.each([
  ['02 01 0a', '0a'],
  ['02 02 00ff', 'ff'],
  ['02 02 0100', '0100'],
  [`02 14 7f${'00'.repeat(19)}`, `7f${'00'.repeat(19)}`],
  ['02 01 00', undefined],
  ['02 01 80', undefined],
  ['02 02 ff80', undefined],
  ['02 02 000a', undefined],
  [`02 15 00${'ff'.repeat(20)}`, undefined],
])('T036 a serial number %s is %s: one number, one spelling', (hex, expected) => {
  expect(readSerial(value(hex))).toBe(expected);
});

test.each([
  ['03 02 07 80', [0]],
  ['03 02 01 06', [5, 6]],
  ['03 03 07 00 80', [8]],
  ['03 02 00 80', undefined],
  ['03 02 07 00', undefined],
  ['03 02 06 80', undefined],
  ['03 02 08 80', undefined],
  ['03 01 00', undefined],
  ['03 00', undefined],
])('named bits %s are %s', (hex, expected) => {
  expect(readNamedBits(value(hex))).toEqual(expected);
});

test('a BIT STRING of whole bytes has no unused bits', () => {
  expect(Buffer.from(readWholeBits(value('03 03 00 abcd')) ?? []).toString('hex')).toBe('abcd');
  for (const hex of ['03 02 01 80', '03 00', '04 02 00 80']) expect(readWholeBits(value(hex))).toBeUndefined();
});

describe('an object identifier', () => {
  test.each([
    ['06 03 551d13', '2.5.29.19'],
    ['06 08 2b06010505070302', '1.3.6.1.5.5.7.3.2'],
    ['06 01 00', '0.0'],
    ['06 02 8837', '2.999'],
    ['06 07 551d 90 80 80 80 13', '2.5.29.4294967315'],
  ])('%s is %s', (hex, expected) => {
    const oid = readOid(value(hex));
    expect(oid === undefined ? undefined : dotted(oid)).toBe(expected);
  });

  test.each(['06 00', '06 02 5580', '06 03 558013', '06 02 8001', `06 41${'01'.repeat(65)}`, '04 03 551d13'])(
    '%s is none',
    (hex) => {
      expect(readOid(value(hex))).toBeUndefined();
    },
  );
});

describe('T029 a time', () => {
  const time = (tag: string, text: string) => {
    const content = Buffer.from(text);
    const read = readTime(value(`${tag}${content.length.toString(16).padStart(2, '0')}${content.toString('hex')}`));
    return read === undefined ? undefined : new Date(read).toISOString();
  };

  test.each([
    ['17', '260228235959Z', '2026-02-28T23:59:59.000Z'],
    ['17', '491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['17', '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['17', '240229000000Z', '2024-02-29T00:00:00.000Z'],
    ['18', '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['18', '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['18', '20260101000000Z', '2026-01-01T00:00:00.000Z'],
    ['17', '260229000000Z', undefined],
    ['17', '261301000000Z', undefined],
    ['17', '260101240000Z', undefined],
    ['17', '260101000060Z', undefined],
    ['17', '2601010000Z', undefined],
    ['17', '20260101000000Z', undefined],
    ['18', '260101000000Z', undefined],
    ['18', '20260101000000.5Z', undefined],
    ['18', '20260101000000+0000', undefined],
    ['18', '20260101000000', undefined],
    ['16', '260101000000Z', undefined],
  ])('with the tag %s, %s is %s', (tag, text, expected) => {
    expect(time(tag, text)).toBe(expected);
  });
});

describe('a name', () => {
  const attribute = (letter: string) => `30 08 06 03 550403 0c 01 ${letter}`;

  test.each([
    ['without anything', '30 00', true],
    ['of one attribute', `30 0c 31 0a ${attribute('61')}`, true],
    ['of a set of two in order', `30 16 31 14 ${attribute('61')} ${attribute('62')}`, true],
    ['of a set of two in the other order', `30 16 31 14 ${attribute('62')} ${attribute('61')}`, false],
    ['of the same attribute twice in a set', `30 16 31 14 ${attribute('61')} ${attribute('61')}`, false],
    ['of an empty set', '30 02 31 00', false],
    ['of an attribute without its value', '30 09 31 07 30 05 06 03 550403', false],
    ['of an attribute with two values', '30 0d 31 0b 30 09 06 03 550403 0500 0500', false],
    ['of a sequence in a sequence', `30 0c 30 0a ${attribute('61')}`, false],
    ['that is a set', `31 0c 31 0a ${attribute('61')}`, false],
  ])('%s', (_title, hex, good) => {
    expect(readName(value(hex)) !== undefined).toBe(good);
  });
});
