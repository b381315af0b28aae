// Does the name of a file, and nothing else, decide how it is read?
import { describe, expect, test } from 'vitest';

import { FORMATS, formatOf } from '../../../../shared/whitelist/formats/formats.ts';
import { contextOf, readAll } from './reading.ts';

test.each([
  ['lot-1.jsonl', 'wardkey', 'file'],
  ['ECC608C-TNGTLSU-B.json', 'microchip', 'entry'],
  ['lot.report.json', 'microchip', 'entry'], // reports end in .report
  ['devices.csv', 'espressif', 'file'],
  ['reel.tar', 'infineon', 'file'],
  ['list.txt', 'certificate-lines', 'file'],
  ['list.pem', 'certificate-blocks', 'file'],
])('%s is a file of %s, signed by the %s', (file, name, signature) => {
  expect(formatOf(file)).toMatchObject({ outcome: 'done', value: { name, signature } });
  expect(FORMATS.filter((format) => format.recognises(file))).toHaveLength(1);
});

test.each(['lot', 'lot.jsonl.jws', 'lot.JSON', 'lot.json ', 'lot.tar.gz', 'bundle.7z', 'lot.jsonl.report', ''])(
  '%j is of no format, and there is no default',
  (file) => {
    expect(formatOf(file)).toEqual({ outcome: 'refused', refusal: { reason: 'format-unknown', file } });
  },
);

describe.each(FORMATS.map((format) => [format.name, format] as const))('%s', (_name, format) => {
  const hostile: readonly [string, Uint8Array][] = [
    ['nothing but NUL', Buffer.alloc(100_000)],
    ['nothing but 0xff', Buffer.alloc(100_000, 0xff)],
    ['T019 brackets, 100,000 deep', Buffer.alloc(100_000, '[')],
    ['T019 braces, 100,000 deep', Buffer.alloc(100_000, '{')],
    ['quotes', Buffer.alloc(100_001, '"')],
    ['backslashes in a string', Buffer.concat([Buffer.from('[{"'), Buffer.alloc(100_000, String.raw`\a`)])],
    ['empty lines', Buffer.alloc(1000, '\n')],
  ];

  test.each(hostile)('refuses and does not throw: %s', async (_title, bytes) => {
    const read = await readAll(format, bytes, contextOf('acme'));
    expect(read.filter(({ entry }) => entry.outcome === 'done')).toEqual([]);
  });
});
