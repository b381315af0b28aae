// What does `npm test` run? Types, lint, format, then the tests; one line at the end counts everything that ran.
//
//   npm test                     everything
//   npm test -- test/x.test.ts   these test files only
//   npm run test:fast            without servers and the deployed stacks
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { DEFAULT_FOLDER, localUp } from '../cli/local/cloud.ts';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, '.wardkey', 'test');
/** Written by test/counterparts.ts: counterparts that were not found, one name a line. */
const MISSING = join(FOLDER, 'missing-counterparts');

const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ['types', ['node_modules/typescript-native/bin/tsc', '-p', '.']],
  ['lint', ['node_modules/eslint/bin/eslint.js', '.', '--cache', '--cache-location', '.wardkey/test/eslint']],
  ['format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']],
];

async function main(options: readonly string[]): Promise<number> {
  const fast = options.includes('--fast');
  const files = options.filter((option) => option !== '--fast');
  mkdirSync(FOLDER, { recursive: true });
  rmSync(MISSING, { force: true });
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) for (const [name, command] of CHECKS) add(total, check(name, command));
  if (!fast) await startLocalCloud();
  add(total, vitest('tests', [...(fast ? projects('fast') : projects('fast', 'servers')), ...files]));
  if (!fast) add(total, vitest('end to end', [...projects('e2e'), ...files]));
  tellMissing();
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function check(name: string, command: readonly string[]): Count {
  const ok = run(name, command) === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** A run that dies without a report counts as one failure. */
function vitest(name: string, options: readonly string[]): Count {
  const report = join(FOLDER, `${name.replaceAll(' ', '-')}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--passWithNoTests'];
  const status = run(name, ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...options]);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const told = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
  const failed = told['numFailedTests'] ?? 0;
  // A file that cannot be loaded fails the run, but no test of it is counted.
  const unloaded = status !== 0 && failed === 0 ? 1 : 0;
  const skipped = (told['numPendingTests'] ?? 0) + (told['numTodoTests'] ?? 0);
  return { passed: told['numPassedTests'] ?? 0, failed: failed + unloaded, skipped };
}

function projects(...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => ['--project', name]);
}

function run(name: string, command: readonly string[]): number {
  console.log(`\n── ${name}`);
  const started = performance.now();
  const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return status ?? 1;
}

async function startLocalCloud(): Promise<void> {
  console.log('\n── local cloud');
  await localUp({
    folder: DEFAULT_FOLDER,
    progress: (line) => {
      console.log(`   ${line}`);
    },
  });
}

function tellMissing(): void {
  if (!existsSync(MISSING)) return;
  const names = [...new Set(readFileSync(MISSING, 'utf8').trim().split('\n'))].sort();
  console.log(`\nnot found, so their tests were skipped: ${names.join(', ')}`);
}

function add(total: Count, { passed, failed, skipped }: Count): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

process.exitCode = await main(process.argv.slice(2));
