// Is MiniStack installed, in the pinned version? Made once per requirements.txt, every package checked by its hash.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { LocalCloudError } from './error.ts';
import { withLock } from './lock.ts';
import type { Progress } from './progress.ts';
import { findPython } from './python.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const STAMP = '.wardkey-install';
const HALF_MADE = 'venv-being-made-';

/**
 * The Python of the virtual environment `venv`, which is made anew unless it was completed for this requirements.txt.
 * The stamp is written last: an install that was killed leaves none, and the next call starts over.
 */
export async function ensureVenv(venv: string, progress: Progress): Promise<string> {
  const python = join(venv, 'bin', 'python');
  if (isInstalled(venv)) return python;
  return withLock(`${venv}.lock`, progress, async () => {
    if (!isInstalled(venv)) await install(venv, progress);
    return python;
  });
}

/** What requirements.txt asks for, as one digest. */
export function requirementsDigest(): string {
  return createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
}

function isInstalled(venv: string): boolean {
  const stamp = join(venv, STAMP);
  // The interpreter is a link to the system's Python: an upgrade there can leave it dangling.
  return (
    existsSync(stamp) && readFileSync(stamp, 'utf8') === requirementsDigest() && existsSync(join(venv, 'bin', 'python'))
  );
}

// Made beside `venv` and moved there when complete: the pip of a killed command may still be running, in its own folder.
async function install(venv: string, progress: Progress): Promise<void> {
  const python = findPython(process.env['PATH'] ?? '');
  progress('installing MiniStack into its own Python environment (up to a minute, once)');
  const parent = dirname(venv);
  for (const name of readdirSync(parent)) if (name.startsWith(HALF_MADE)) remove(join(parent, name));
  const made = join(parent, `${HALF_MADE}${process.pid}`);
  const log = join(parent, 'install.log');
  remove(log);
  if ((await run(python, ['-m', 'venv', made], log)) !== 0) {
    throw new LocalCloudError(`${python} could not make a virtual environment; see ${log}`);
  }
  const pip = ['-m', 'pip', 'install', '--require-hashes', '--no-input', '--disable-pip-version-check'];
  if ((await run(join(made, 'bin', 'python'), [...pip, '-r', REQUIREMENTS], log)) !== 0) {
    throw new LocalCloudError(`pip could not install MiniStack (is the package index reachable?); see ${log}`);
  }
  writeFileSync(join(made, STAMP), requirementsDigest());
  remove(venv);
  renameSync(made, venv);
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

// The environment is passed on: a proxy or a package index of the machine's owner is pip's business.
function run(program: string, args: string[], log: string): Promise<number | null> {
  const output = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', output, output] });
  closeSync(output);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}
