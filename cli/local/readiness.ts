// Does the local cloud answer? Ready means: HTTP answers, from MiniStack, and the MQTT listener is up.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { LocalCloudError } from './error.ts';
import type { LocalFolder } from './folder.ts';
import { endpointOf, runningServer, type ServerRecord } from './server.ts';

const PATIENCE_SECONDS = 60;

/** The server that `child` became, once it is ready; throws LocalCloudError with the last line of its log if it will
 * not be. Only the child's own record counts: another program may answer on its port. */
export async function waitUntilReady(child: ChildProcess, folder: LocalFolder): Promise<ServerRecord> {
  let failure: string | undefined;
  child.on('error', (error) => (failure = `cannot be started: ${error.message}`));
  child.on('exit', (code, signal) => (failure = `ended at once (${signal ?? `exit code ${String(code)}`})`));
  const end = Date.now() + PATIENCE_SECONDS * 1000;
  for (;;) {
    const server = runningServer(folder);
    if (server?.pid === child.pid && server !== undefined && (await isReady(endpointOf(server)))) return server;
    if (Date.now() > end) failure ??= `did not answer within ${PATIENCE_SECONDS} seconds`;
    if (failure !== undefined) {
      throw new LocalCloudError(`the local cloud ${failure}: ${lastLine(folder.log)} (all of it: ${folder.log})`);
    }
    await sleep(50);
  }
}

export async function isReady(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/_ministack/ready`, { signal: AbortSignal.timeout(5000) });
    const answer = (await response.json()) as { readonly iot_mtls?: unknown };
    return response.ok && answer.iot_mtls === 'listening';
  } catch {
    return false;
  }
}

/** The certificate of the authority that signed the MQTT listener's certificate, in PEM. */
export async function fetchCertificateAuthority(endpoint: string): Promise<string> {
  const response = await fetch(`${endpoint}/_ministack/iot/ca.pem`, { signal: AbortSignal.timeout(5000) });
  const pem = await response.text();
  if (response.ok && pem.startsWith('-----BEGIN CERTIFICATE-----')) return pem;
  throw new LocalCloudError(`the local cloud at ${endpoint} gives no certificate authority (${response.status})`);
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
