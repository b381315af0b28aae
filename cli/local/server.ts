// Is the server process there, and is it ours? Starts it, finds it again, and stops it.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { LocalCloudError } from './error.ts';
import { ACCOUNT, REGION, type LocalFolder } from './folder.ts';
import type { Ports } from './ports.ts';

export const LAUNCHER = join(import.meta.dirname, 'ministack_loopback.py');

export interface ServerRecord {
  readonly pid: number;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly build: string;
}

/** The server that runs on this folder, or undefined. server.json alone proves nothing: the server may have been
 * killed and its pid given to another program, so the process must have our launcher and folder in its command. */
export function runningServer(folder: LocalFolder): ServerRecord | undefined {
  const record = readRecord(folder);
  if (record === undefined) return undefined;
  const command = commandOf(record.pid);
  return command.includes(LAUNCHER) && command.includes(folder.path) ? record : undefined;
}

export function endpointOf(server: ServerRecord): string {
  return `http://localhost:${server.httpPort}`;
}

/** Starts the server so that it outlives this process. A crash right after leaves a server that is found again. */
export function startServer(folder: LocalFolder, python: string, ports: Ports, build: string): ChildProcess {
  if (existsSync(folder.log)) renameSync(folder.log, `${folder.log}.1`);
  const log = openSync(folder.log, 'a');
  const child = spawn(python, [LAUNCHER, folder.path], {
    cwd: folder.path,
    detached: true,
    stdio: ['ignore', log, log],
    env: settings(folder, ports, build),
  });
  closeSync(log);
  child.unref();
  return child;
}

/** On SIGTERM the server saves its state; one that has not ended after 10 seconds is killed. */
export async function stopServer(folder: LocalFolder): Promise<void> {
  const server = runningServer(folder);
  if (server === undefined) return;
  signal(server, 'SIGTERM');
  if (await hasEnded(folder, 10_000)) return;
  signal(server, 'SIGKILL');
  if (await hasEnded(folder, 5000)) return;
  throw new LocalCloudError(`the local cloud (process ${server.pid}) cannot be stopped`);
}

function signal(server: ServerRecord, name: NodeJS.Signals): void {
  try {
    process.kill(server.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has ended by itself
  }
}

async function hasEnded(folder: LocalFolder, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (runningServer(folder) !== undefined) {
    if (Date.now() > end) return false;
    await sleep(50);
  }
  return true;
}

// Its Lambdas are processes that inherit this environment: `node` is ours, and AWS_ENDPOINT_URL is the address the
// CLI uses too (MiniStack's own default there is 127.0.0.1), so the Host header of a signed request is the same.
function settings(folder: LocalFolder, ports: Ports, build: string): Record<string, string> {
  return {
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    HOME: process.env['HOME'] ?? folder.path,
    AUTH: 'true',
    AWS_ENDPOINT_URL: `http://localhost:${ports.http}`,
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(ports.http),
    IOT_MTLS_PORT: String(ports.mqtt),
    MINISTACK_ACCOUNT_ID: ACCOUNT,
    MINISTACK_REGION: REGION,
    PERSIST_STATE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    S3_DATA_DIR: join(folder.state, 's3'),
    S3_PERSIST: '1',
    SFTP_ENABLED: '0',
    STATE_DIR: join(folder.state, 'services'),
    TMPDIR: folder.temporary,
    WARDKEY_BUILD: build,
  };
}

function readRecord(folder: LocalFolder): ServerRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(folder.server, 'utf8')) as ServerRecord;
    return Number.isInteger(record.pid) && record.pid > 0 ? record : undefined;
  } catch {
    return undefined;
  }
}

// Empty for a process that is gone or has ended without being waited for.
function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
