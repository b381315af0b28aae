// Is docs/threats.md true? It stands beside the titles of the tests, number by number, so that it cannot rot.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { REASONS } from '../shared/reasons.ts';
import { citedThreats, numbersIn } from './cited-threats.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/threats.md'), 'utf8');
const LAST = 155;

interface Row {
  readonly numbers: readonly string[];
  readonly state: string;
  readonly reasons: readonly string[];
  readonly remark: string;
  readonly files: readonly string[];
}

const rows = tableUnder('## By number').map(parseRow);
const cited = citedThreats();

describe('the table by number', () => {
  test('has every number once, in order', () => {
    const all = Array.from({ length: LAST }, (_none, index) => numberOf(index + 1));
    expect(rows.flatMap(({ numbers }) => numbers)).toEqual(all);
  });

  test('names exactly the files whose test titles cite a number', () => {
    const told = rows.flatMap(({ numbers, files }) => (files.length === 0 ? [] : [[numbers.join(), files] as const]));
    expect(new Map(told)).toEqual(cited);
  });

  test.each(rows.map((row) => [row.numbers.join(), row] as const))('%s: its state fits what it says', (_name, row) => {
    const { numbers, state, reasons, remark, files } = row;
    expect(['tested', 'later', 'not applicable']).toContain(state);
    if (state === 'tested') expect([numbers.length, files.length > 0]).toEqual([1, true]);
    else expect([reasons, files, remark !== '-']).toEqual([[], [], true]);
  });
});

test('every reason that the page names exists, and every reason that exists is named', () => {
  const tables = ['## Codes', '## By number'].flatMap(tableUnder);
  const named = tables.flatMap((cells) => quoted(cells.at(cells.length === 2 ? 1 : 2) ?? ''));
  const known = Object.keys(REASONS);
  expect(named.filter((reason) => !known.includes(reason))).toEqual([]);
  const beside = /Reasons without a code: ([\s\S]*?)\.\n/.exec(PAGE)?.[1] ?? '';
  const translated = tableUnder('## Codes').flatMap((cells) => quoted(cells[1] ?? ''));
  expect(new Set([...translated, ...quoted(beside)])).toEqual(new Set(known));
});

test('cites are read from strings and templates, not from comments', () => {
  const code = [
    '// T001',
    "test('T002 a', () => {}); /* T003 */",
    'test(`T004 ${x}`);',
    "f('20261324T120000Z', 'xT005');",
  ];
  expect(numbersIn(code.join('\n'))).toEqual(['T002', 'T004']);
});

/** Cells of the rows of the table behind a heading, without its head. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const section = PAGE.split(/^(?=## )/m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function parseRow([range = '', state = '', reasons = '', remark = '', files = '']: readonly string[]): Row {
  const [first = 0, last = first] = range.split('-').map((number) => Number(number.slice(1)));
  const numbers = Array.from({ length: last - first + 1 }, (_none, index) => numberOf(first + index));
  return { numbers, state, reasons: quoted(reasons), remark, files: quoted(files) };
}

function quoted(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function numberOf(value: number): string {
  return `T${String(value).padStart(3, '0')}`;
}
