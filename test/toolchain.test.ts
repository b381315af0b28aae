// Is the toolchain the pinned one, and does no file give away the machine or registry it was made on?
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';
import * as z from 'zod';

const ROOT = join(import.meta.dirname, '..');
const VERSIONS = z.record(z.string(), z.string());
const PACKAGE = z.object({ dependencies: VERSIONS, optionalDependencies: VERSIONS, devDependencies: VERSIONS });
const LOCK = z.object({ packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })) });

/** In pieces, so that this file does not accuse itself. */
const MACHINE_PATH = new RegExp(String.raw`(?<![\w.\-}])/(?:${['work', 'root', String.raw`home/\w+`].join('|')})/`);
const REGISTRY_HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['pypi', 'org/simple'],
].map((parts) => parts.join('.'));

test('runs on Node 24 or newer', () => {
  expect(Number.parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(24);
});

test('T149 names every dependency by an exact version', () => {
  const { dependencies, optionalDependencies, devDependencies } = PACKAGE.parse(JSON.parse(read('package.json')));
  const all = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies });
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter(([, version]) => !/^(?:npm:[@\w/.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
});

test('T149 locks every package, without the host it came from', () => {
  const { packages } = LOCK.parse(JSON.parse(read('package-lock.json')));
  const locked = Object.entries(packages).filter(([path]) => path.startsWith('node_modules/'));
  expect(locked.length).toBeGreaterThan(100);
  expect(locked.filter(([, entry]) => 'resolved' in entry || entry.version === undefined)).toEqual([]);
});

test('holds no absolute path of the machine it was made on, and no registry host', () => {
  const files = listFiles();
  expect(files.length).toBeGreaterThan(20);
  const found = files.flatMap((file) => findTraces(read(file)).map((trace) => `${file}: ${trace}`));
  expect(found).toEqual([]);
});

test.each([
  ['a path of the machine', `see ${['', 'work', 'main'].join('/')}`],
  ['a home folder', `"${['', 'home', 'ann', 'x'].join('/')}"`],
  ['a registry', `https://${REGISTRY_HOSTS[0] ?? ''}/zod`],
])('finds %s', (_what, text) => {
  expect(findTraces(text)).toHaveLength(1);
});

function findTraces(text: string): string[] {
  const path = MACHINE_PATH.exec(text)?.[0];
  return [...(path === undefined ? [] : [path]), ...REGISTRY_HOSTS.filter((host) => text.includes(host))];
}

/** What the repository holds or would hold with the next commit. */
function listFiles(): string[] {
  const output = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'],
    { cwd: ROOT },
  );
  const deleted = new Set(splitNames(execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: ROOT })));
  return splitNames(output).filter((name) => !deleted.has(name));
}

function splitNames(output: Buffer): string[] {
  return output.toString('utf8').split('\0').filter(Boolean);
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
