// Do equal values have equal bytes, and different values different ones? RFC 8785 for what entries and acts hold.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { canonicalBytes, canonicalText, type Json } from '../../shared/canonical.ts';

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('json'), { maxKeys: 4 }),
  ),
}));

describe('canonical form', () => {
  test('orders members by UTF-16 code units (RFC 8785 3.2.3)', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const value = Object.fromEntries(names.map((name) => [name, null]));
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    expect(canonicalText(value)).toBe(`{${sorted.map((name) => `${JSON.stringify(name)}:null`).join(',')}}`);
  });

  test('has no white space, keeps the order of lists, and writes text as JSON does', () => {
    const value = { b: [3, 1, 2, []], a: { z: true, y: false, x: {} }, c: 'é"\\/\n\u0000\u2028' };
    expect(canonicalText(value)).toBe(
      String.raw`{"a":{"x":{},"y":false,"z":true},"b":[3,1,2,[]],"c":"é\"\\/\n\u0000` + '\u2028"}',
    );
  });

  test('is UTF-8', () => {
    expect(canonicalBytes('é🩺').toString('hex')).toBe('22c3a9f09fa9ba22');
  });

  test('writes minus nothing as nothing (RFC 8785 3.2.2.3)', () => {
    expect(canonicalText(-0)).toBe('0');
  });

  test.each([0.5, -1.5, 1e21, 2 ** 53, -(2 ** 53), Number.NaN, Infinity, -Infinity])(
    'refuses the number %d',
    (value) => {
      expect(() => canonicalText({ value })).toThrow(TypeError);
    },
  );

  test.each(['\ud800', '\udc00', 'a\ud83d', '\ude00\ud83d'])(
    'refuses lone surrogates, in values and in names',
    (text) => {
      expect(() => canonicalText([text])).toThrow(TypeError);
      expect(() => canonicalText({ [text]: 1 })).toThrow(TypeError);
    },
  );

  test.each([
    ['a member that is undefined', { a: undefined }],
    ['a hole in a list', [undefined]],
    ['a big integer', { a: 1n }],
    ['a function', { a: () => 1 }],
    ['a date', { a: new Date(0) }],
    ['a map', { a: new Map([['b', 1]]) }],
    ['bytes', { a: Buffer.from('b') }],
  ])('refuses %s', (_title, value) => {
    expect(() => canonicalText(value as unknown as Json)).toThrow(TypeError);
  });

  test('reads back as the value it stands for', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalText(value))).toEqual(plain(value));
      }),
    );
  });

  test('does not depend on the order in which members were set', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalText(reversed(value))).toBe(canonicalText(value));
      }),
    );
  });

  test('is its own canonical form', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalText(value);
        expect(canonicalText(JSON.parse(text) as Json)).toBe(text);
      }),
    );
  });
});

/** Without prototypes of fast-check's choosing. */
function plain(value: Json): unknown {
  return JSON.parse(JSON.stringify(value));
}

function reversed(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(reversed);
  const members = Object.entries(value as Record<string, Json>).reverse();
  return Object.fromEntries(members.map(([name, member]) => [name, reversed(member)]));
}
