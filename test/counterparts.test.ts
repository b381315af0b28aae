// Is a counterpart found where it is said to be, and is a missing one never passed over in silence?
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';

import { counterpart, COUNTERPARTS, type CounterpartName, type Surroundings } from './counterparts.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardkey-counterparts-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const REQUIRED: readonly [CounterpartName, arch: string][] = [
  ['openssl', 'x64'],
  ['openssl', 'arm64'],
  ['mosquitto_pub', 'x64'],
  ['mosquitto_pub', 'arm64'],
];

test('finds a program in PATH, the first one that may be run', () => {
  program('none/openssl', 0o644);
  mkdirSync(join(folder, 'folder/openssl'), { recursive: true });
  const path = program('second/openssl');
  const PATH = ['relative', 'none', 'folder', 'second', 'absent'].map((name) => join(folder, name)).join(':');
  expect(counterpart('openssl', around({ PATH }))).toEqual({ path });
});

test('never takes a program of the folder that the tests run in', () => {
  const here = process.cwd();
  program('openssl');
  process.chdir(folder);
  onTestFinished(() => {
    process.chdir(here);
  });
  expect(counterpart('openssl', around({ PATH: ':.' }))).toBeUndefined();
});

test('takes the program that its variable names before one in PATH', () => {
  program('openssl');
  const path = program('mine');
  expect(counterpart('openssl', around({ PATH: folder, WARDKEY_OPENSSL: path }))).toEqual({ path });
});

test.each(['', 'openssl', '/absent'])(
  'a variable that names no program ("%s") fails, also elsewhere than in CI',
  (named) => {
    program('openssl');
    expect(() => counterpart('openssl', around({ PATH: folder, WARDKEY_OPENSSL: named }))).toThrow('WARDKEY_OPENSSL');
  },
);

test('notes what is missing for the runner, one name a line', () => {
  expect(counterpart('mosquitto_pub', around({}))).toBeUndefined();
  expect(counterpart('openssl', around({}))).toBeUndefined();
  expect(readFileSync(missingFile(), 'utf8')).toBe('mosquitto_pub\nopenssl\n');
});

test('notes nothing that was found', () => {
  program('openssl');
  counterpart('openssl', around({ PATH: folder }));
  expect(existsSync(missingFile())).toBe(false);
});

test.each(REQUIRED)('CI fails without %s on %s, and says how to install it', (name, arch) => {
  expect(() => counterpart(name, around({ CI: 'true' }, arch))).toThrow(COUNTERPARTS[name].install);
});

test('CI requires dynoxide on x64, where its package exists, and nowhere else', () => {
  expect(['x64', 'arm64'].map((arch) => COUNTERPARTS.dynoxide.required(arch))).toEqual([true, false]);
});

function program(name: string, mode = 0o755): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
  return path;
}

function missingFile(): string {
  return join(folder, 'test/missing');
}

function around(environment: Surroundings['environment'], arch = 'x64'): Surroundings {
  return { environment, arch, missingFile: missingFile() };
}
