// What may an operator do? A managed policy for the hospital to attach to a role of its own; nobody has it by default.
import type { Stack } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { STACKS } from '../shared/env.ts';
import type { BlueprintFunction, Service } from './blueprint-function.ts';
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
