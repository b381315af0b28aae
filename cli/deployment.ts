// What is deployed here? Read from the outputs of the CloudFormation stacks, never from names put together by hand.
import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';

import { OUTPUTS, STACKS, type StepName } from '../shared/env.ts';
import type { Place } from './place.ts';

export interface Deployment {
  readonly place: Place;
  /** Value of an output of either stack; throws when the deployment lacks it. */
  output(name: string): string;
  functionArn(step: StepName): string;
}

export async function findDeployment(place: Place): Promise<Deployment> {
  const client = new CloudFormationClient(place.config);
  const stacks = [STACKS.trust(place.prefix), STACKS.service(place.prefix)];
  const described = await Promise.all(stacks.map((stack) => describeStack(client, stack)));
  const outputs = new Map(described.flatMap(readOutputs));
  const output = (name: string): string => {
    const value = outputs.get(name);
    if (value !== undefined) return value;
    throw new Error(`deployment "${place.prefix}": expected an output "${name}"; is this version of Wardkey deployed?`);
  };
  const functionArn = (step: StepName) => lambdaArn(described[1]?.StackId ?? '', output(OUTPUTS.function(step)));
  return { place, output, functionArn };
}

/** The functions live where their stack does: `arn:<partition>:cloudformation:<region>:<account>:stack/...`. */
function lambdaArn(stackId: string, name: string): string {
  const [, partition = '', , region = '', account = ''] = stackId.split(':');
  return `arn:${partition}:lambda:${region}:${account}:function:${name}`;
}

function readOutputs({ Outputs }: Stack): [string, string][] {
  return (Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? '']);
}

async function describeStack(client: CloudFormationClient, StackName: string): Promise<Stack> {
  try {
    const [stack] = (await client.send(new DescribeStacksCommand({ StackName }))).Stacks ?? [];
    if (stack !== undefined) return stack;
    throw new Error(`CloudFormation described no stack "${StackName}"`);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ValidationError') throw error;
    throw new Error(`there is no stack "${StackName}" here: deploy it first, or name another with --prefix`, {
      cause: error,
    });
  }
}
