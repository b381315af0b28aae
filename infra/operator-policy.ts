// What may an operator do? A managed policy for the hospital to attach to a role of its own; nobody has it by default.
import type { Stack } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { STACKS } from '../shared/env.ts';
import type { BlueprintFunction, Service } from './blueprint-function.ts';
import { keysOf } from './issuance.ts';
import { keyTags } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { readObjects, writeObjects } from './permissions.ts';

/** No table, queue or broker is in it: whatever changes goes through a function that records it. */
export function createOperatorPolicy(
  stack: Stack,
  service: Service,
  acts: readonly BlueprintFunction[],
): ManagedPolicy {
  const { prefix } = service.parameters;
  const { objects, keys } = service.trust;
  const stacks = [STACKS.trust(prefix), STACKS.service(prefix)].map((name) =>
    stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${name}/*` }),
  );
  const policy = new ManagedPolicy(stack, 'Operator', {
    managedPolicyName: `${prefix}-operator`,
    description: `Wardkey ${prefix}: deliver manifests, read their reports, perform acts`,
    statements: [
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: acts.map(({ lambda }) => lambda.functionArn),
      }),
      ...writeObjects(objects.manifests, keys.records),
      // A report is the functions' word: claims are made by it.
      new PolicyStatement({ effect: Effect.DENY, actions: ['s3:PutObject'], resources: [objects.reports] }),
      ...readObjects(objects.reports, keys.records),
      new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: stacks }),
    ],
  });
  accept(policy, 'Operators name manifests themselves, below one folder; the ARN of a stack ends with an id.', [
    wildcard(stack, objects.manifests),
    wildcard(stack, objects.reports),
    ...stacks.map((arn) => wildcard(stack, arn)),
  ]);
  return policy;
}

/** For whoever holds a ceremony: makes keys for owners, tagged, and signs with those; the operator policy comes with it. */
export function createCeremonyPolicy(stack: Stack, { parameters }: Service): ManagedPolicy {
  const { prefix, stage } = parameters;
  const key = keysOf(stack);
  const tags = (condition: string) => ({ StringLike: { [`aws:${condition}/wardkey:owner`]: '*' } });
  const policy = new ManagedPolicy(stack, 'Ceremony', {
    managedPolicyName: `${prefix}-ceremony`,
    description: `Wardkey ${prefix}: make and use the keys of owners' authorities`,
    statements: [
      // Without its tags, a key can be made by nobody under this policy, nor used by any function.
      new PolicyStatement({
        actions: ['kms:CreateKey', 'kms:TagResource'],
        resources: ['*'],
        conditions: keyTags(stage, tags('RequestTag')),
      }),
      new PolicyStatement({
        actions: ['kms:Sign', 'kms:GetPublicKey', 'kms:DescribeKey', 'kms:GenerateDataKeyPairWithoutPlaintext'],
        resources: [key],
        conditions: keyTags(stage, tags('ResourceTag')),
      }),
    ],
  });
  accept(
    policy,
    'Keys are made at run time, by people; a key has no ARN before it is made. Tags say which are meant.',
    [wildcard(stack, '*'), wildcard(stack, key)],
  );
  return policy;
}
