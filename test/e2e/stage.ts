// On which stage do the end-to-end tests play? A local cloud of their own, with the real stacks deployed into it.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { bootstrap, deploy, isBootstrapped } from '../../cli/demo/cdk.ts';
import { findDeployment, type Deployment } from '../../cli/deployment.ts';
import { findBroker } from '../../cli/endpoint.ts';
import { DEFAULT_FOLDER, localDown, localUp, type LocalCloud } from '../../cli/local/cloud.ts';
import { placeInLocalCloud, type Credentials } from '../../cli/place.ts';
import type { Broker } from '../../device/connect.ts';

export const PREFIX = 'ward-e2e';
const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(DEFAULT_FOLDER, '..', 'e2e');
const FACTORIES = join(FOLDER, 'factories');

export interface Stage {
  readonly cloud: LocalCloud;
  readonly broker: Broker;
  /** As the account's root. */
  readonly deployment: Deployment;
  /** Where factories of the tests keep their keys. */
  readonly factories: string;
  /** PEM of the CA behind the broker's own certificate, for programs that read files. */
  readonly brokerCaFile: string;
  /** Who runs the executable. */
  readonly as?: Credentials;
}

/** Starts empty, whatever an earlier run left. */
export async function raiseStage(): Promise<Stage> {
  await localDown(FOLDER, { forget: true });
  rmSync(FACTORIES, { recursive: true, force: true });
  const cloud = await localUp({ folder: FOLDER, venv: join(DEFAULT_FOLDER, 'venv'), progress: console.log });
  if (!(await isBootstrapped(cloud))) await bootstrap(cloud, () => undefined);
  const people = { operators: ['user/operator'], approvers: ['user/operator', 'user/second'] };
  await deploy(cloud, { prefix: PREFIX, ...people }, () => undefined);
  const deployment = await findDeployment(placeInLocalCloud(cloud, PREFIX, cloud.credentials));
  mkdirSync(FACTORIES, { recursive: true });
  const brokerCaFile = join(FACTORIES, 'broker-ca.pem');
  writeFileSync(brokerCaFile, cloud.caPem);
  return { cloud, deployment, broker: await findBroker(deployment.place), factories: FACTORIES, brokerCaFile };
}

export async function strikeStage(): Promise<void> {
  await localDown(FOLDER, { forget: true });
}

export function actingAs(stage: Stage, credentials: Credentials): Promise<Deployment> {
  return findDeployment(placeInLocalCloud(stage.cloud, PREFIX, credentials));
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The executable, as a person runs it, with the e2e cloud in its environment; as the account's root unless told. */
export function wardkey(stage: Pick<Stage, 'cloud' | 'as'>, ...words: readonly string[]): Promise<Ran> {
  return run(process.execPath, [join(ROOT, 'cli', 'wardkey.ts'), ...words], {
    ...process.env,
    ...stage.cloud.environment,
    ...(stage.as === undefined
      ? {}
      : { AWS_ACCESS_KEY_ID: stage.as.accessKeyId, AWS_SECRET_ACCESS_KEY: stage.as.secretAccessKey }),
    NO_COLOR: '1',
  });
}

export function run(program: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  const child = spawn(program, words, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString('utf8')));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString('utf8')));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}
