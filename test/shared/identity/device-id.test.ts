// Is a device's id safe wherever it goes, and one device's only?
import { hash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isManufacturerCode, makeDeviceId, parseDeviceId } from '../../../shared/identity/device-id.ts';

const GRAMMAR = /^[A-Za-z0-9_-]{1,64}$/;
const manufacturer = fc.stringMatching(/^[a-z0-9]{2,16}$/);
const serial = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);

/** What T020 and T035 name: look-alikes, and what has power in topics, policies, paths and logs. */
const HOSTILE: [string, string][] = [
  ['nothing', ''],
  ['a wildcard', 'A*'],
  ['a topic wildcard', 'A+'],
  ['a topic wildcard for the rest', 'A#'],
  ['a topic level', 'A/B'],
  ['a reserved topic', '$aws'],
  ['a policy variable', '${iot:ClientId}'],
  ['a question mark', 'A?'],
  ['a comma', 'A,B'],
  ['a dot', 'A.B'],
  ['two dots', '..'],
  ['a colon', 'A:B'],
  ['a NUL', 'A\u0000'],
  ['a line end', 'A\n'],
  ['a space behind', 'A '],
  ['a full-width digit', 'A\uff11'],
  ['a bidirectional mark', 'A\u202eB'],
  ['a combining accent', 'Ae\u0301'],
  ['a Cyrillic letter', '\u0410'],
  ['129 characters', 'A'.repeat(129)],
];

describe('makeDeviceId', () => {
  test('joins manufacturer and serial number', () => {
    expect(makeDeviceId('acme', 'A-1_b')).toMatchObject({ outcome: 'done', value: 'acme-A-1_b' });
  });

  test.each(HOSTILE)('T020 T035 refuses a serial number with %s', (_title, text) => {
    expect(makeDeviceId('acme', text)).toMatchObject({ outcome: 'refused', refusal: { reason: 'id-malformed' } });
  });

  test.each([
    ...HOSTILE,
    ['one character', 'a'],
    ['17 characters', 'a'.repeat(17)],
    ['a hyphen', 'ac-me'],
    ['capitals', 'Acme'],
  ])('T020 T035 refuses a manufacturer code with %s', (_title, text) => {
    expect(makeDeviceId(text, 'A1')).toMatchObject({ outcome: 'refused', refusal: { reason: 'id-malformed' } });
    expect(isManufacturerCode(text)).toBe(false);
  });

  test('T020 serial numbers that differ by case are two devices, as they are to AWS IoT Core', () => {
    expect(makeDeviceId('acme', 'a1')).not.toEqual(makeDeviceId('acme', 'A1'));
  });

  test('every id is within the grammar', () => {
    fc.assert(
      fc.property(manufacturer, serial, (code, text) => {
        const id = makeDeviceId(code, text);
        expect(id.outcome === 'done' && GRAMMAR.test(id.value)).toBe(true);
        expect(id.outcome === 'done' && parseDeviceId(id.value).outcome).toBe('done');
      }),
    );
  });

  test('up to 64 characters the id is the names themselves and splits in one way only; beyond, it is a hash', () => {
    fc.assert(
      fc.property(manufacturer, serial, (code, text) => {
        const plain = `${code}-${text}`;
        const expected = plain.length <= 64 ? plain : `${code}-${hash('sha256', text).slice(0, 40)}`;
        expect(makeDeviceId(code, text)).toMatchObject({ value: expected });
      }),
    );
  });

  test.each([64, 65])('the boundary is 64 characters: %i', (length) => {
    const text = 'A'.repeat(length - 'acme-'.length);
    const id = makeDeviceId('acme', text);
    expect(id.outcome === 'done' && id.value === `acme-${text}`).toBe(length === 64);
  });
});

describe('parseDeviceId', () => {
  test.each([...HOSTILE, ['65 characters', 'A'.repeat(65)]])('T035 refuses a stored id with %s', (_title, text) => {
    expect(parseDeviceId(text)).toMatchObject({ outcome: 'refused', refusal: { reason: 'id-malformed' } });
  });

  test('accepts 64 characters', () => {
    expect(parseDeviceId('A'.repeat(64)).outcome).toBe('done');
  });
});
