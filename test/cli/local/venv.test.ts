// Is MiniStack installed once, again after an interruption, and with a clear word when that fails? With a stand-in for
// Python that counts its calls; the real installation is the one the whole suite runs on.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

import { ensureVenv } from '../../../cli/local/venv.ts';
import { pathWith, room } from './rooms.ts';

test('installs with checked hashes, then finds it done', async () => {
  const venv = installation('exit 0');
  await ensureVenv(venv, () => undefined);
  await ensureVenv(venv, () => undefined);
  expect(pipCalls(venv)).toEqual([
    expect.stringMatching(/^-m pip install --require-hashes .* -r .*requirements\.txt$/),
  ]);
});

test('installs again from nothing after a killed install or for changed requirements', async () => {
  const venv = installation('exit 0');
  await ensureVenv(venv, () => undefined);
  rmSync(join(venv, '.wardkey-install'));
  writeFileSync(join(venv, 'half-a-package'), '');
  mkdirSync(join(venv, '..', 'venv-being-made-1'));
  await ensureVenv(venv, () => undefined);
  writeFileSync(join(venv, '.wardkey-install'), 'another digest');
  await ensureVenv(venv, () => undefined);
  expect(pipCalls(venv)).toHaveLength(3);
  expect(readdirSync(join(venv, '..')).filter((name) => name.startsWith('venv'))).toEqual(['venv', 'venv.calls']);
  expect(existsSync(join(venv, 'half-a-package'))).toBe(false);
});

test('names the log when pip fails, and counts nothing as installed', async () => {
  const venv = installation('echo no index >&2; exit 1');
  const log = join(venv, '..', 'install.log');
  await expect(ensureVenv(venv, () => undefined)).rejects.toThrow(
    `pip could not install MiniStack (is the package index reachable?); see ${log}`,
  );
  expect(readFileSync(log, 'utf8')).toContain('no index');
  expect(existsSync(venv)).toBe(false);
});

/** Where to install; `pip` is what the stand-in does when it is called as pip. */
function installation(pip: string): string {
  const venv = join(room(), 'venv');
  const python = `case "$*" in
    "-I -c "*) echo '{"path": "'$0'", "version": [3, 12], "complete": true}';;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python";;
    "-m pip "*) echo "$*" >> "${venv}.calls"; ${pip};;
  esac`;
  vi.stubEnv('PATH', `${pathWith(['python3'], python)}:/usr/bin:/bin`);
  return venv;
}

function pipCalls(venv: string): string[] {
  return readFileSync(`${venv}.calls`, 'utf8').trim().split('\n');
}
