// Who performs the demo's acts? An IAM user with the deployment's policies for operators and ceremonies, and nothing else.
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  EntityAlreadyExistsException,
  IAMClient,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { OUTPUTS } from '../../shared/env.ts';
import type { Deployment } from '../deployment.ts';
import type { Credentials } from '../place.ts';

export const OPERATOR = 'ward-operator';

/** Credentials are kept in the file, and made anew when the cloud does not know them any more. */
export async function findOperator(deployment: Deployment, file: string): Promise<Credentials> {
  const { config } = deployment.place;
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : undefined;
  if (kept !== undefined && (await isKnown(new STSClient({ ...config, credentials: kept })))) return kept;
  const client = new IAMClient(config);
  await client.send(new CreateUserCommand({ UserName: OPERATOR })).catch((error: unknown) => {
    if (!(error instanceof EntityAlreadyExistsException)) throw error;
  });
  for (const policy of [OUTPUTS.operatorPolicy, OUTPUTS.ceremonyPolicy]) {
    const PolicyArn = deployment.output(policy);
    await client.send(new AttachUserPolicyCommand({ UserName: OPERATOR, PolicyArn }));
  }
  const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName: OPERATOR }));
  const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
  writeFileSync(file, JSON.stringify(credentials), { mode: 0o600 });
  return credentials;
}

async function isKnown(client: STSClient): Promise<boolean> {
  return client.send(new GetCallerIdentityCommand({})).then(
    () => true,
    () => false,
  );
}
