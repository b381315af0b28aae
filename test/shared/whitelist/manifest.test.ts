// Is a manifest read as it was written, and nothing that it does not say?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseManifestHeader, parseManifestLine, writeManifest } from '../../../shared/whitelist/manifest.ts';

const HEADER = { format: 'wardkey-manifest/1', manufacturer: 'acme', product: 'pump', lot: 'L1', count: 1 };
const LINE = { serial: 'A1', certificate: 'AAAA' };
const malformed = (line: number) => ({ outcome: 'refused', refusal: { reason: 'manifest-malformed', line } });

test('what a factory writes is what is read', () => {
  const text = fc.string({ minLength: 1, maxLength: 64 });
  const line = fc.record({ serial: text, certificate: fc.constantFrom('AAAA', 'AA==', 'AAA=') });
  fc.assert(
    fc.property(fc.record({ product: text, lot: text }), fc.array(line, { maxLength: 5 }), (names, lines) => {
      const [first = '', ...rest] = writeManifest({ manufacturer: 'acme', ...names }, lines).split('\n');
      expect(rest.pop()).toBe('');
      expect(parseManifestHeader(first)).toEqual({
        outcome: 'done',
        value: { ...HEADER, ...names, count: lines.length },
      });
      expect(rest.map((one, index) => parseManifestLine(one, index + 2))).toEqual(
        lines.map((value) => ({ outcome: 'done', value })),
      );
    }),
  );
});

describe('header', () => {
  test.each([0, 1, 1_000_000])('is read, of %i devices', (count) => {
    const header = { ...HEADER, count };
    expect(parseManifestHeader(JSON.stringify(header))).toEqual({ outcome: 'done', value: header });
  });

  test.each<[string, object]>([
    ['another format', { format: 'wardkey-manifest/2' }],
    ['no format', { format: undefined }],
    ['a manufacturer outside the grammar', { manufacturer: 'Acme' }],
    ['an empty product', { product: '' }],
    ['a product that is too long', { product: 'p'.repeat(65) }],
    ['an empty lot', { lot: '' }],
    ['a lot that is no text', { lot: 1 }],
    ['a count below nothing', { count: -1 }],
    ['a fraction of a device', { count: 0.5 }],
    ['T019 more devices than a manifest may have', { count: 1_000_001 }],
    ['a member that is unknown', { owner: 'clinic' }],
  ])('refuses %s', (_title, change) => {
    expect(parseManifestHeader(JSON.stringify({ ...HEADER, ...change }))).toMatchObject(malformed(1));
  });
});

describe('line', () => {
  test.each<[string, object]>([
    ['an empty serial number', { serial: '' }],
    ['a serial number that is too long', { serial: 'A'.repeat(129) }],
    ['a serial number that is no text', { serial: { $ne: '' } }],
    ['no certificate', { certificate: undefined }],
    ['an empty certificate', { certificate: '' }],
    ['a certificate in base64url', { certificate: 'A-_A' }],
    ['a certificate with white space', { certificate: 'AA AA' }],
    ['T019 a certificate that is too long', { certificate: 'A'.repeat(8196) }],
    ['a member that is unknown', { state: 'owned' }],
    ['a member called constructor', { constructor: { prototype: {} } }],
  ])('refuses %s, naming the line', (_title, change) => {
    expect(parseManifestLine(JSON.stringify({ ...LINE, ...change }), 7)).toMatchObject(malformed(7));
  });

  test.each(['', 'null', '[]', '"A1"', '7', '{', `${JSON.stringify(LINE)}${JSON.stringify(LINE)}`])(
    'refuses %j, which is not one object',
    (text) => {
      expect(parseManifestLine(text, 2)).toMatchObject(malformed(2));
    },
  );

  test('T018 a member called __proto__ changes no object', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const text = `{"__proto__":{"serial":"B1"},${JSON.stringify(LINE).slice(1)}`;
    const line = parseManifestLine(text, 2);
    expect(line).toMatchObject(malformed(2));
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  });

  test('T019 a line nested as deep as you like is refused', () => {
    expect(parseManifestLine(`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 2)).toMatchObject(malformed(2));
  });

  test('names what is wrong without repeating it', () => {
    const line = parseManifestLine(JSON.stringify({ ...LINE, certificate: 'secret!' }), 2);
    expect(JSON.stringify(line)).toContain('certificate');
    expect(JSON.stringify(line)).not.toContain('secret!');
  });
});
