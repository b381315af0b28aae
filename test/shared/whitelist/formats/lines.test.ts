// Are the lines of a file the same, however its bytes arrive?
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { readLines, type Line } from '../../../../shared/whitelist/formats/lines.ts';

const LONGEST = 64 * 1024;

test.each<[name: string, text: string, lines: readonly string[]]>([
  ['no bytes', '', []],
  ['one line', 'a\n', ['a']],
  ['a last line without its end', 'a\nb', ['a', 'b']],
  ['an empty line in the middle, which counts', 'a\n\nb\n', ['a', '', 'b']],
  ['an empty line at the start, which counts', '\na\n', ['', 'a']],
  ['ends of CR LF, whose CR stays for the parser', 'a\r\nb\r\n', ['a\r', 'b\r']],
  ['a lone CR, which ends nothing', 'a\rb\n', ['a\rb']],
  ['characters of several bytes', 'ä\n√\n𝄞\n', ['ä', '√', '𝄞']],
])('reads %s', async (_name, text, lines) => {
  for (const pieceBytes of [1, 2, 3, 1000]) {
    const read = await collect(pieces(Buffer.from(text), pieceBytes));
    expect(read).toEqual(lines.map((line, index) => ({ number: index + 1, text: line, cut: false })));
  }
});

test('reads the same lines whatever the pieces are', async () => {
  const text = fc.array(
    fc.string({ unit: 'binary', maxLength: 20 }).map((line) => line.replaceAll('\n', ' ')),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 40 }), async (lines, pieceBytes) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      expect((await collect(pieces(bytes, pieceBytes))).map((line) => line.text)).toEqual(
        bytes.toString('utf8').split('\n').slice(0, -1),
      );
    }),
    { numRuns: 200 },
  );
});

test('T019 cuts a line off at 64 KiB and says so, and counts the lines behind it rightly', async () => {
  const bytes = Buffer.from(`first\n${'x'.repeat(3 * 1024 * 1024)}\nlast\n`);
  const read = await collect(pieces(bytes, 8192));
  expect(read.map(({ number, text, cut }) => [number, text.length, cut])).toEqual([
    [1, 5, false],
    [2, LONGEST, true],
    [3, 4, false],
  ]);
});

test.each([
  ['with its end', '\n'],
  ['without its end', ''],
])('a line of 64 KiB %s is whole, and one byte more is cut, whatever the pieces are', async (_name, end) => {
  for (const pieceBytes of [1000, 65_535, 65_536, 65_537, 200_000]) {
    for (const [bytes, cut] of [
      [LONGEST, false],
      [LONGEST + 1, true],
    ] as const) {
      const [line] = await collect(pieces(Buffer.from('x'.repeat(bytes) + end), pieceBytes));
      expect([line?.text.length, line?.cut], `${bytes} in ${pieceBytes}`).toEqual([LONGEST, cut]);
    }
  }
});

test('T019 holds no more of a file without newlines than one line', async () => {
  const read = await collect(pieces(Buffer.alloc(5 * 1024 * 1024, 'x'), 100_000));
  expect(read.map(({ text, cut }) => [text.length, cut])).toEqual([[LONGEST, true]]);
});

async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines(chunks)) lines.push(line);
  return lines;
}
