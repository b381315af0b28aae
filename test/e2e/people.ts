// Who acts in the end-to-end tests? IAM users, with the operator policy or without.
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';

import type { Credentials } from '../../cli/place.ts';
import { OUTPUTS } from '../../shared/env.ts';
import type { Stage } from './stage.ts';

export async function hireOperator(
  stage: Stage,
  name: string,
  policies: readonly ('operatorPolicy' | 'ceremonyPolicy' | 'signerPolicy')[] = ['operatorPolicy'],
): Promise<Credentials> {
  const credentials = await makeUser(stage, name);
  for (const policy of policies) {
    const PolicyArn = stage.deployment.output(OUTPUTS[policy]);
    await clientOf(stage).send(new AttachUserPolicyCommand({ UserName: name, PolicyArn }));
  }
  return credentials;
}

/** A user of the account that nobody gave anything. */
export async function makeUser(stage: Stage, UserName: string): Promise<Credentials> {
  const client = clientOf(stage);
  await client.send(new CreateUserCommand({ UserName }));
  const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}

function clientOf({ deployment }: Stage): IAMClient {
  return new IAMClient(deployment.place.config);
}
