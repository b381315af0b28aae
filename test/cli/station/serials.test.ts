// Are the serial numbers those that were asked for, each once?
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { chooseSerials, quoteSerial, type SerialsAsked } from '../../../cli/station/serials.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { newFolder } from '../folders.ts';

test.each<[string, Partial<SerialsAsked>, readonly string[]]>([
  ['those given', { given: ['P2', 'P1'] }, ['P2', 'P1']],
  ['so many, with six digits', { count: '3', prefix: 'P' }, ['P000001', 'P000002', 'P000003']],
  ['so many from a number on', { count: '2', prefix: 'X-', from: '99' }, ['X-000099', 'X-000100']],
  ['the last there are', { count: '1', prefix: 'P', from: '999999' }, ['P999999']],
])('takes %s', (_name, asked, expected) => {
  expect(chooseSerials({ given: [], ...asked })).toEqual(expected);
});

test.each([
  ['LF', 'P1\nP2\n'],
  ['CR LF', 'P1\r\nP2\r\n'],
  ['no end of the last line', 'P1\nP2'],
  ['empty lines', '\nP1\n\n\nP2\n\n'],
])('reads one serial number a line from a file with %s', (_name, text) => {
  expect(chooseSerials({ given: [], serials: fileOf(text) })).toEqual(['P1', 'P2']);
});

test.each<[string, Partial<SerialsAsked>, RegExp]>([
  ['none', {}, /^expected serial numbers, or --serials FILE, or --count N --prefix P$/],
  ['two ways at once', { given: ['P1'], count: '1', prefix: 'P' }, /^expected serial numbers, or/],
  ['a count without prefix', { count: '1' }, /^--count goes with --prefix$/],
  ['a prefix without count', { given: ['P1'], prefix: 'P' }, /^--prefix and --from go with --count$/],
  ['a start without count', { given: ['P1'], from: '2' }, /^--prefix and --from go with --count$/],
  ['a count of zero', { count: '0', prefix: 'P' }, /^--count "0": expected a number from 1 to 999999$/],
  ['a count that is no number', { count: '1e3', prefix: 'P' }, /^--count "1e3": expected/],
  ['a start that is no number', { count: '1', prefix: 'P', from: '-1' }, /^--from "-1": expected/],
  ['more than six digits', { count: '2', prefix: 'P', from: '999999' }, /^expected numbers up to 999999, got 1000000$/],
  ['one twice', { given: ['P1', 'P2', 'P1'] }, /^serial "P1" is given twice, as number 1 and 3 of the list$/],
  ['no file', { serials: '/nowhere/serials' }, /^cannot read "\/nowhere\/serials": /],
])('refuses %s', (_name, asked, said) => {
  const choose = () => chooseSerials({ given: [], ...asked });
  expect(choose).toThrow(UsageError);
  expect(choose).toThrow(said);
});

test.each(['', '\n\n'])('refuses a file without serial numbers (%j)', (text) => {
  expect(() => chooseSerials({ given: [], serials: fileOf(text) })).toThrow(/holds no serial number$/);
});

test('shows a line that is no serial number in one line, shortened, and steers no terminal', () => {
  const text = `\u001b[2J\u202e\u009b1m${'x'.repeat(500)}`;
  const shown = String.raw`"\u001b[2J\u202e\u009b1m${'x'.repeat(120)}"`;
  expect(quoteSerial(text)).toBe(shown);
  expect(quoteSerial('a\nb')).toBe(String.raw`"a\nb"`);
  expect(() => chooseSerials({ given: [text, text] })).toThrow(`serial ${shown} is given twice`);
});

test('keeps what stands in a line as it is: a stray blank is for the grammar to refuse', () => {
  expect(chooseSerials({ given: [], serials: fileOf(' P1\nP2 \n') })).toEqual([' P1', 'P2 ']);
});

function fileOf(text: string): string {
  const file = join(newFolder(), 'serials');
  writeFileSync(file, text);
  return file;
}
