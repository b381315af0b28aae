// Where do tests find a second AWS KMS? In LocalStack: one server for one test file, on this machine only, with nothing but KMS.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { counterpart } from '../../counterparts.ts';

/** The Python that it is installed in. */
const python = counterpart('localstack')?.path;

export const HAVE_LOCALSTACK = python !== undefined;

export interface LocalStack {
  /** What an SDK client needs to reach it. */
  readonly settings: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Nothing that it wrote is left. */
  readonly stop: () => Promise<void>;
}

/** Answers when it is ready. It ends also when this process is killed: server.py waits for the end of its input. */
export async function startLocalStack(): Promise<LocalStack> {
  const folder = mkdtempSync(join(tmpdir(), 'wardkey-localstack-'));
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn(python ?? '', [LAUNCHER, folder], {
    cwd: folder,
    env: settings(folder, address),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => server.once('close', resolve));
  const stop = async () => {
    server.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  await waitUntilReady(server, `http://${address}`).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return { settings: { endpoint: `http://${address}`, region: 'eu-central-1', credentials }, stop };
}

async function waitUntilReady(server: ChildProcess, endpoint: string): Promise<void> {
  let said = '';
  server.stderr?.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-LONGEST_SAID)));
  for (let tries = 0; tries < MOST_TRIES && server.exitCode === null; tries += 1) {
    if (await answers(endpoint)) return;
    await setTimeout(PAUSE_MS);
  }
  throw new Error(`LocalStack at ${endpoint} does not get ready: ${said}`);
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const health = await fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(5000) });
    const { services } = (await health.json()) as { readonly services?: { readonly kms?: string } };
    return services?.kms === 'available' || services?.kms === 'running';
  } catch {
    return false;
  }
}

/** Nobody else's environment: variables of a machine's owner could make it listen elsewhere, or load other services. */
function settings(folder: string, address: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    SERVICES: 'kms',
    GATEWAY_LISTEN: address,
    // Its usual server listens on every interface, whatever it is told.
    GATEWAY_SERVER: 'hypercorn',
    // Without it LocalStack takes the machine for its container, and writes to /var/lib and /usr/lib.
    OVERRIDE_IN_DOCKER: '0',
    FILESYSTEM_ROOT: folder,
    PYTHONDONTWRITEBYTECODE: '1',
    // It reports, downloads and resolves nothing.
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DNS_ADDRESS: '0',
  };
}

/** Free a moment ago; the server ends at once where another was faster, and the test says so. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const LAUNCHER = join(import.meta.dirname, 'server.py');
const MOST_TRIES = 600;
const PAUSE_MS = 100;
const LONGEST_SAID = 2000;
