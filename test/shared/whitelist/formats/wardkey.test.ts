// Is our own format read line by line, under its header, and only as far as each line is right?
import { beforeAll, describe, expect, test } from 'vitest';

import { readOpening, wardkey } from '../../../../shared/whitelist/formats/wardkey.ts';
import { writeManifest } from '../../../../shared/whitelist/manifest.ts';
import { makeAuthority, makeDevice, type Party } from '../../../pki/certificates.ts';
import { contextOf, inPieces, readAll, resultsOf } from './reading.ts';

const context = contextOf('acme');
const HEADER = { manufacturer: 'acme', product: 'pump', lot: 'L1' };

let device: Party;

beforeAll(async () => {
  device = await makeDevice(await makeAuthority(), 'A1');
});

const line = (serial = 'A1') => ({ serial, certificate: device.der.toString('base64') });
const open = (text: string) => readOpening(inPieces(Buffer.from(text), 7));

test('reads devices from line 2', async () => {
  const read = await readAll(wardkey, writeManifest(HEADER, [line('A1'), line('A2')]), context);
  const { fingerprint, keyFingerprint } = device.certificate;
  expect(read).toMatchObject([
    { line: 2, entry: { value: { serial: 'A1', certificate: { fingerprint }, keyFingerprint, chain: [] } } },
    { line: 3, entry: { value: { serial: 'A2' } } },
  ]);
});

test('gives its header apart, without the rest', async () => {
  const value = { format: 'wardkey-manifest/1', ...HEADER, count: 1 };
  expect(await open(writeManifest(HEADER, [line()]))).toEqual({ outcome: 'done', value });
  expect(await open('')).toMatchObject({ refusal: { reason: 'manifest-malformed', line: 1 } });
  expect(await open('x'.repeat(70_000))).toMatchObject({ refusal: { problem: 'expected at most 64 KiB' } });
});

describe('header', () => {
  test('refuses a file of another manufacturer, and reads none of its devices', async () => {
    const text = writeManifest({ ...HEADER, manufacturer: 'other' }, [line()]);
    expect(await resultsOf(wardkey, text, context)).toEqual(['manufacturer-differs']);
  });

  test.each(['', '{}\n', 'x'.repeat(70_000)])('refuses a file without one: %.8s', async (text) => {
    expect(await resultsOf(wardkey, text, context)).toEqual(['manifest-malformed']);
  });

  test('says at the end that devices are missing, or too many', async () => {
    const text = writeManifest(HEADER, [line('A1'), line('A2')]);
    const short = `${text.split('\n').slice(0, 2).join('\n')}\n`;
    expect(await resultsOf(wardkey, short, context)).toEqual(['accepted', 'count-differs']);
    const more = `${text}${JSON.stringify(line('A3'))}\n`;
    expect(await resultsOf(wardkey, more, context)).toEqual(['accepted', 'accepted', 'accepted', 'count-differs']);
  });

  test('T018 refuses a member that stands twice', async () => {
    const text = writeManifest(HEADER, [line()]).replace('{', '{"lot":"L2",');
    expect(await resultsOf(wardkey, text, context)).toEqual(['manifest-malformed']);
  });
});

describe('line', () => {
  const read = async (bad: string) => {
    const text = writeManifest(HEADER, [line('A1'), line('A2')]).split('\n');
    text[1] = bad;
    return readAll(wardkey, text.join('\n'), context);
  };

  test.each<[string, () => string, string]>([
    [
      'T018 a member that stands twice',
      () => JSON.stringify(line()).replace('{', '{"serial":"A9",'),
      'manifest-malformed',
    ],
    [
      'T018 a member twice, once in escapes',
      () => JSON.stringify(line()).replace('{', String.raw`{"\u0073erial":"A9",`),
      'manifest-malformed',
    ],
    ['T018 a prototype', () => JSON.stringify(line()).replace('{', '{"__proto__":{"a":1},'), 'manifest-malformed'],
    ['T018 a constructor', () => JSON.stringify({ ...line(), constructor: { prototype: {} } }), 'manifest-malformed'],
    ['T019 depth 100,000', () => `{"serial":${'['.repeat(100_000)}`, 'manifest-malformed'],
    ['T019 more than 64 KiB', () => `{"serial":"${'A'.repeat(70_000)}"}`, 'manifest-malformed'],
    [
      'T019 more than 64 KiB, of which the first are right',
      () => `${JSON.stringify(line())}${' '.repeat(70_000)}x`,
      'manifest-malformed',
    ],
    ['T020 a full-width digit', () => JSON.stringify(line('A１')), 'id-malformed'],
    ['T020 a NUL', () => JSON.stringify(line('A1\0')), 'id-malformed'],
    ['T020 a bidi mark', () => JSON.stringify(line('A1\u202e')), 'id-malformed'],
    ['T020 a trailing space', () => JSON.stringify(line('A1 ')), 'id-malformed'],
    ['no certificate in it', () => JSON.stringify({ serial: 'A1', certificate: 'AAAA' }), 'certificate-malformed'],
  ])('%s is refused, and the next line is read', async (_title, bad, reason) => {
    const entries = await read(bad());
    expect(entries.map(({ entry }) => (entry.outcome === 'done' ? entry.value.serial : entry.refusal.reason))).toEqual([
      reason,
      'A2',
    ]);
  });

  test('T018 leaves Object.prototype as it was', async () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    await read('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect('polluted' in {}).toBe(false);
  });
});
