// The launcher behind every npm script: makes the checkout ready, then runs one command under the project's own Node.
//
//   node scripts/run.mjs COMMAND [ARGUMENT ...]
//
// It installs when package-lock.json has changed since the last install, one process at a time, and survives a
// killed install. It runs on any Node from 20.19 on and depends on nothing. It lives inside each script, not in a
// pre-script, because npm leaves pre-scripts out where a user has set ignore-scripts.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.wardkey-install');
const LOCK = join(ROOT, '.wardkey-installing');
const NEEDED_NODE = 24;

/** @param {string[]} command */
export async function run(command) {
  const [program, ...rest] = command;
  if (program === undefined) fail(2, 'usage: node scripts/run.mjs COMMAND [ARGUMENT ...]');
  await install();
  const env = environment();
  requireNode(env);
  const child = spawn(program, rest, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(1, `cannot run "${program}": ${error.message}`));
  child.on('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

async function install() {
  while (!isInstalled()) {
    if (!takeLock()) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    try {
      if (!isInstalled()) npmCi();
    } finally {
      rmSync(LOCK, { recursive: true, force: true });
    }
  }
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockDigest();
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
}

// A lock whose owner is gone (a killed install) is broken; one without a pid yet is given two seconds.
function takeLock() {
  try {
    mkdirSync(LOCK);
    writeFileSync(join(LOCK, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (isStale()) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

function isStale() {
  try {
    process.kill(Number(readFileSync(join(LOCK, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code === 'EPERM') return false;
    return error.code === 'ESRCH' || Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? 0) > 2000;
  }
}

function npmCi() {
  process.stderr.write('wardkey: installing the pinned dependencies (about a minute, once per lock file) ...\n');
  const env = { ...process.env };
  delete env.NODE_ENV; // production would leave the tools out
  // Without headers of Node npm leaves pkcs11js out in silence. The packaged Node brings them; an absolute path is needed.
  if (process.platform === 'linux') env.npm_config_nodedir = join(MODULES, `node-${process.platform}-${process.arch}`);
  const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const viaNode = npm !== undefined && /\.c?js$/.test(npm);
  const result = viaNode
    ? spawnSync(process.execPath, [npm, ...flags], { cwd: ROOT, env, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', flags, { cwd: ROOT, env, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) fail(1, `npm ci failed (exit code ${String(result.status)}); see its message above`);
  writeFileSync(STAMP, lockDigest());
}

// The packaged Node comes first in PATH, by its own folder: npm 10 deletes node_modules/.bin/node after an install.
function environment() {
  const packaged = join(MODULES, `node-${process.platform}-${process.arch}`, 'bin');
  const own = [packaged, join(MODULES, '.bin')].filter((folder) => existsSync(folder));
  return { ...process.env, PATH: [...own, process.env.PATH].join(delimiter) };
}

function requireNode(env) {
  const { stdout } = spawnSync('node', ['--version'], { env, encoding: 'utf8' });
  if (Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 0) >= NEEDED_NODE) return;
  fail(
    1,
    `Node ${String(NEEDED_NODE)} or newer is needed; npm brings it on Linux, elsewhere put it first in PATH (found ${String(stdout).trim()})`,
  );
}

function fail(code, message) {
  process.stderr.write(`wardkey: ${message}\n`);
  process.exit(code);
}

const invoked = process.argv[1] === undefined ? undefined : createRequire(import.meta.url).resolve(process.argv[1]);
if (invoked === fileURLToPath(import.meta.url)) await run(process.argv.slice(2));
