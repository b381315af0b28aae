// How are the real stacks deployed into the local cloud? By `cdk bootstrap` and `cdk deploy`, as on AWS.
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import type { LocalCloud } from '../local/cloud.ts';

type Note = (line: string) => void;

const ROOT = join(import.meta.dirname, '..', '..');
const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
const STAGE = ['-c', 'stage=local', '--all'];
const TAIL = 4_000;

export async function isBootstrapped(cloud: LocalCloud): Promise<boolean> {
  const client = new CloudFormationClient({
    region: cloud.region,
    endpoint: cloud.endpoint,
    credentials: { ...cloud.credentials },
  });
  const request = new DescribeStacksCommand({ StackName: 'CDKToolkit' });
  return client.send(request).then(
    () => true,
    () => false,
  );
}

export function bootstrap(cloud: LocalCloud, note: Note): Promise<void> {
  return cdk(
    ['bootstrap', `aws://${cloud.account}/${cloud.region}`, '-c', 'stage=local', '-c', 'bundle=false'],
    cloud,
    note,
  );
}

export interface Installation {
  readonly prefix: string;
  /** Principals of the account, by their role in the permission table: `user/NAME`, or `root`. */
  readonly operators: readonly string[];
  readonly approvers: readonly string[];
}

/** A deployment that is up to date is left as it is. */
export function deploy(cloud: LocalCloud, { prefix, operators, approvers }: Installation, note: Note): Promise<void> {
  const arns = (names: readonly string[]) => names.map((name) => `arn:aws:iam::${cloud.account}:${name}`).join(',');
  const parameters = { prefix, operators: arns(operators), approvers: arns(approvers) };
  const context = Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return cdk(['deploy', ...STAGE, ...context, '--require-approval', 'never', '--ci'], cloud, note);
}

/** Fails with CloudFormation's sentence while devices remain; see `wardkey teardown`. */
export function destroy(cloud: LocalCloud, prefix: string, note: Note): Promise<void> {
  return cdk(['destroy', ...STAGE, '-c', `prefix=${prefix}`, '-c', 'bundle=false', '--force', '--ci'], cloud, note);
}

function cdk(command: readonly string[], cloud: LocalCloud, note: Note): Promise<void> {
  const env = { ...process.env, ...cloud.environment, NO_COLOR: '1' };
  const child = spawn(process.execPath, [CDK, ...command], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let tail = '';
  const hear = (data: Buffer) => {
    tail = `${tail}${data.toString('utf8')}`.slice(-TAIL);
    note(data.toString('utf8').trim().split('\n').at(-1) ?? '');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`cdk ${command[0] ?? ''} failed with exit code ${String(code)}:\n${tail}`));
    });
  });
}
