// Are rows split as RFC 4180 says, in pieces of any size, and never in a way that another reader would not?
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { readRows } from '../../../../shared/whitelist/formats/rows.ts';
import { collect, inPieces } from './reading.ts';

async function split(text: string, size = 64 * 1024) {
  const rows = await collect(readRows(inPieces(Buffer.from(text), size)));
  return rows.map(({ fields }) => (fields.outcome === 'done' ? fields.value : fields.refusal.reason));
}

test.each<[string, (readonly string[] | string)[]]>([
  ['', []],
  ['a,b\n', [['a', 'b']]],
  ['a,b', [['a', 'b']]],
  ['a,b\r\nc\n', [['a', 'b'], ['c']]],
  ['"a,b"\n', [['a,b']]],
  ['"a\nb",c\n', [['a\nb', 'c']]],
  ['"a ""b""",\n', [['a "b"', '']]],
  ['\n', [['']]],
  ['"open', ['manifest-malformed']],
  ['a"b\nc\n', ['manifest-malformed']],
  ['"a"b\nc\n', ['manifest-malformed']],
  ['a\rb\nc\n', ['manifest-malformed']],
  ['a\r', ['manifest-malformed']],
  ['a\n"b"c\nd\n', [['a'], 'manifest-malformed']],
])('%j', async (text, rows) => {
  expect(await split(text)).toEqual(rows);
});

test('what is written by the book is read back, in pieces of any size', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', ' ') });
  const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 5 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 40 }), async (written, size) => {
      const text = written.map((row) => `${row.map((f) => `"${f.replaceAll('"', '""')}"`).join(',')}\r\n`).join('');
      expect(await split(text, size)).toEqual(written);
    }),
  );
});

test('whatever the bytes are, reading ends and refuses by value', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r') }), async (text) => {
      const rows = await split(text, 3);
      expect(rows.slice(0, -1)).not.toContain('manifest-malformed');
    }),
  );
});

test('T019 fields without number do not fill the memory', async () => {
  const [row] = await split(`${','.repeat(60_000)}\n`);
  expect(row?.length).toBeLessThan(20);
});

test('T019 a row over 64 KiB is refused, and the next is read', async () => {
  const limit = 64 * 1024;
  expect(await split(`${'a'.repeat(limit - 1)}\nb\n`)).toEqual([['a'.repeat(limit - 1)], ['b']]);
  expect(await split(`${'a'.repeat(limit)}\nb\n`)).toEqual(['manifest-malformed', ['b']]);
});
