// Which numbered threats does the title of a test cite? Read from the text of the tests: strings, not comments.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');
const NUMBER = /\bT\d{3}\b/g;

/** Numbers such as `T023`, each with the files (from the root of the project) that cite it, both in order. */
export function citedThreats(): ReadonlyMap<string, readonly string[]> {
  const cited = testFiles().flatMap((file) =>
    numbersIn(readFileSync(join(ROOT, file), 'utf8')).map((t) => [t, file] as const),
  );
  const byNumber = Map.groupBy(cited, ([number]) => number);
  const numbers = [...byNumber.keys()].sort();
  return new Map(numbers.map((number) => [number, (byNumber.get(number) ?? []).map(([, file]) => file).sort()]));
}

/** Tests, and contracts that tests run; a test of the table itself cites nothing. */
function testFiles(): readonly string[] {
  return readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(\.test|-contract)\.ts$/.test(file) && file !== 'threats.test.ts')
    .map((file) => `test/${file}`)
    .sort();
}

/** Each number once. */
export function numbersIn(code: string): readonly string[] {
  const found = new Set<string>();
  const look = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node))
      for (const [t] of node.text.matchAll(NUMBER)) found.add(t);
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile('test.ts', code, ts.ScriptTarget.Latest));
  return [...found].sort();
}
