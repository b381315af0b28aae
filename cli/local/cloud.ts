// Where is the AWS we develop against? A MiniStack on this machine, started by the first command that needs it.
//
// `localUp` may be called by anything at any time: it installs, starts or finds the one server of a folder. The server
// outlives the caller. After a kill the next `localUp` brings the same cloud back, on the same ports if they are free
// (ministack_snapshots.py says what a kill can lose).
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { environmentFor, type Environment } from './environment.ts';
import { ACCOUNT, openFolder, REGION, type LocalFolder } from './folder.ts';
import { withLock } from './lock.ts';
import { choosePorts } from './ports.ts';
import { tellIfSlow, type Progress } from './progress.ts';
import { fetchCertificateAuthority, isReady, waitUntilReady } from './readiness.ts';
import { endpointOf, LAUNCHER, runningServer, startServer, stopServer, type ServerRecord } from './server.ts';
import { ensureVenv, requirementsDigest } from './venv.ts';

export { LocalCloudError } from './error.ts';
export { DEFAULT_FOLDER } from './folder.ts';
export type { Progress } from './progress.ts';

export interface LocalCloud {
  /** `http://localhost:PORT`, not 127.0.0.1: queue URLs and the Lambdas' AWS_ENDPOINT_URL say localhost too. */
  readonly endpoint: string;
  readonly mqttHost: '127.0.0.1';
  readonly mqttPort: number;
  readonly region: string;
  readonly account: string;
  /** The authority behind the MQTT listener's certificate (localhost, 127.0.0.1, *.iot.REGION.localhost). */
  readonly caPem: string;
  readonly caFile: string;
  readonly credentials: { readonly accessKeyId: 'test'; readonly secretAccessKey: 'test' };
  /** For child processes: `spawn(program, { env: { ...process.env, ...cloud.environment } })`. */
  readonly environment: Environment;
  readonly pid: number;
}

/** `answers` is false for a server that is starting or hangs. */
export type LocalStatus =
  { readonly running: false } | { readonly running: true; readonly answers: boolean; readonly cloud: ServerRecord };

export interface UpOptions {
  readonly folder: string;
  readonly progress: Progress;
  /** Another folder's virtual environment, to share it. */
  readonly venv?: string;
}

/** The running local cloud of `folder`, ready on return. Throws LocalCloudError. */
export async function localUp({ folder: path, progress, venv }: UpOptions): Promise<LocalCloud> {
  const folder = openFolder(path);
  const build = currentBuild();
  return withLock(folder.lock, progress, async () => {
    const server = (await healthyServer(folder, build)) ?? (await restart(folder, build, { venv, progress }));
    return describe(folder, server);
  });
}

export async function localStatus(path: string): Promise<LocalStatus> {
  const server = runningServer(openFolder(path));
  if (server === undefined) return { running: false };
  return { running: true, answers: await isReady(endpointOf(server)), cloud: server };
}

/** Stops the server, which saves its state. `forget` deletes that state; the virtual environment stays. */
export async function localDown(path: string, options: { forget?: boolean; progress?: Progress } = {}): Promise<void> {
  const folder = openFolder(path);
  const progress = options.progress ?? (() => undefined);
  await withLock(folder.lock, progress, async () => {
    await tellIfSlow('waiting for the local cloud to save its state', progress, () => stopServer(folder));
    rmSync(folder.server, { force: true });
    if (options.forget !== true) return;
    for (const gone of [folder.state, `${folder.state}-unreadable`, folder.temporary, folder.certificateAuthority]) {
      rmSync(gone, { recursive: true, force: true });
    }
  });
}

async function healthyServer(folder: LocalFolder, build: string): Promise<ServerRecord | undefined> {
  const server = runningServer(folder);
  if (server?.build !== build) return undefined;
  return (await isReady(endpointOf(server))) ? server : undefined;
}

// Also for a server of another version and for one that hangs: both are stopped, their state is kept.
async function restart(
  folder: LocalFolder,
  build: string,
  { venv, progress }: Pick<UpOptions, 'progress'> & { venv: string | undefined },
): Promise<ServerRecord> {
  await tellIfSlow('stopping the local cloud that does not fit', progress, () => stopServer(folder));
  const python = await ensureVenv(venv ?? folder.venv, progress);
  rmSync(folder.temporary, { recursive: true, force: true });
  for (const needed of [folder.temporary, folder.state]) mkdirSync(needed, { recursive: true, mode: 0o700 });
  // MiniStack unpacks its CommonJS Lambda worker here; without this it would be read as part of our own ES modules.
  writeFileSync(join(folder.temporary, 'package.json'), '{ "type": "commonjs" }');
  rmSync(folder.notice, { force: true });
  const ports = await choosePorts(folder.ports);
  const child = startServer(folder, python, ports, build);
  try {
    const server = await tellIfSlow('starting the local cloud', progress, () => waitUntilReady(child, folder));
    tellNotice(folder, progress);
    return server;
  } catch (error) {
    await stopServer(folder);
    throw error;
  }
}

async function describe(folder: LocalFolder, server: ServerRecord): Promise<LocalCloud> {
  const endpoint = endpointOf(server);
  const caPem = await fetchCertificateAuthority(endpoint);
  writeFileSync(folder.certificateAuthority, caPem);
  writeFileSync(folder.awsConfig, '');
  return {
    endpoint,
    mqttHost: '127.0.0.1',
    mqttPort: server.mqttPort,
    region: REGION,
    account: ACCOUNT,
    caPem,
    caFile: folder.certificateAuthority,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    environment: environmentFor(endpoint, folder),
    pid: server.pid,
  };
}

function tellNotice(folder: LocalFolder, progress: Progress): void {
  try {
    progress(readFileSync(folder.notice, 'utf8'));
  } catch {
    // no notice: the state was read, or there was none
  }
}

// The version of everything that decides how the server behaves; a running server of another build is replaced.
function currentBuild(): string {
  const hash = createHash('sha256').update(requirementsDigest()).update(process.execPath);
  for (const file of [LAUNCHER, join(import.meta.dirname, 'ministack_snapshots.py')]) hash.update(readFileSync(file));
  return hash.digest('hex');
}
