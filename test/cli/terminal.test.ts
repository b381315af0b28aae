// Can text from outside steer the terminal, and does a pipe read one document?
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { openTerminal, plain, table } from '../../cli/terminal.ts';

describe('T122 text from outside', () => {
  test.each<[name: string, text: string, shown: string]>([
    ['a colour', '\u001b[31mred', String.raw`\u001b[31mred`],
    ['a title of the window', '\u001b]0;owned\u0007', String.raw`\u001b]0;owned\u0007`],
    ['an eight-bit escape', '\u009b31m', String.raw`\u009b31m`],
    ['a return to the start of the line', 'refused\rdone', String.raw`refused\u000ddone`],
    ['a backspace', 'no\b\byes', String.raw`no\u0008\u0008yes`],
    ['a NUL', 'a\0b', String.raw`a\u0000b`],
    ['a DEL', 'a\u007fb', String.raw`a\u007fb`],
    ['text that runs backwards', '\u202eenod\u202c', String.raw`\u202eenod\u202c`],
    ['an isolate', '\u2066x\u2069', String.raw`\u2066x\u2069`],
    ['marks of direction', 'a\u200eb\u200f', String.raw`a\u200eb\u200f`],
    ['an Arabic mark of direction', 'a\u061cb', String.raw`a\u061cb`],
    ['separators of lines', 'done\u2028refused\u2029', String.raw`done\u2028refused\u2029`],
  ])('shows %s and does not send it', (_name, text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  test('keeps what people write', () => {
    expect(plain('Pumpe Nº 7 — 注射泵 🩺\tline\nline')).toBe('Pumpe Nº 7 — 注射泵 🩺\tline\nline');
  });

  test('sends no control character but tab and newline, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plain(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });

  test('is plain in every cell of a table', () => {
    const text = table(['id'], [['\u001b[2Jacme']]);
    expect(text).toContain(String.raw`\u001b[2Jacme`);
    expect(text).not.toContain('\u001b[2J');
  });

  test('leaves the colours of a table to ourselves', () => {
    expect(table(['outcome'], [[{ styled: '\u001b[32madmitted\u001b[39m' }]])).toContain(
      '\u001b[32madmitted\u001b[39m',
    );
  });
});

describe('narration', () => {
  let out: string[];
  let err: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    [out, err] = [[], []];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  test('goes to stdout for people, and beside JSON to stderr, so that a pipe reads one document', () => {
    openTerminal(false).say('hello');
    openTerminal(true).say('hello');
    expect([out, err]).toEqual([['hello\n'], ['hello\n']]);
  });

  test('tells what is about to happen, that it is done, and gives back what came of it', async () => {
    expect(await openTerminal(false).step('making P1001', () => Promise.resolve(7))).toBe(7);
    expect(out.map(bare)).toEqual(['  · making P1001\n', '  ✓ making P1001 (0.0 s)\n']);
  });

  test('tells that a step failed, and lets the error through', async () => {
    const error = new Error('broken');
    await expect(openTerminal(false).step('making P1001', () => Promise.reject(error))).rejects.toBe(error);
    expect(out.map(bare).at(-1)).toBe('  ✗ making P1001 (0.0 s)\n');
  });

  test('shows after two seconds what a step is at, ever more seldom, and stops with it', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const step = openTerminal(false).step('deploying', (note) => {
      note('  stack one  ');
      return promise;
    });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(out).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(bare(out[1] ?? '')).toMatch(/^ {4}… \d+\.\d s {2}stack one\n$/);
    await vi.advanceTimersByTimeAsync(2_999 + 4_500);
    expect(out).toHaveLength(3);
    resolve(undefined);
    await step;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(out).toHaveLength(4);
  });
});

/** Without colours, which a terminal may have. */
function bare(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '');
}
