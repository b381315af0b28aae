// What may an operator do? A managed policy for the hospital to attach to a role of its own; nobody has it by default.
import type { Stack } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { STACKS } from '../shared/env.ts';
import type { BlueprintFunction, Service } from './blueprint-function.ts';
import type { Issuance } from './issuance.ts';
import { keyTags } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { keysOf, readObjects, receiveFrom, sendTo, writeObjects } from './permissions.ts';

/** No table, queue or broker is in it: whatever changes goes through a function that records it. */
export function createOperatorPolicy(
  stack: Stack,
  service: Service,
  acts: readonly BlueprintFunction[],
): ManagedPolicy {
  const { prefix } = service.parameters;
  const { objects, keys } = service.trust;
  const stacks = stacksOf(stack, prefix);
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
  const policy = new ManagedPolicy(stack, 'Ceremony', {
    managedPolicyName: `${prefix}-ceremony`,
    description: `Wardkey ${prefix}: make and use the keys of owners' authorities`,
    statements: [
      // Without both tags nobody makes a key under this policy. AWS KMS wants TagResource for it on all keys, so whoever has the
      // policy can also tag a key that is there: with these two tags and no other, but for a while it signs. README: Authorities.
      new PolicyStatement({
        actions: ['kms:CreateKey', 'kms:TagResource'],
        resources: ['*'],
        conditions: keyTags(stage, {
          ...tagged('RequestTag', ['root', 'issuing', 'delivery']),
          'ForAllValues:StringEquals': { 'aws:TagKeys': ['wardkey:purpose', 'wardkey:owner'] },
        }),
      }),
      new PolicyStatement({
        actions: ['kms:Sign', 'kms:GetPublicKey'],
        resources: [key],
        conditions: keyTags(stage, tagged('ResourceTag', ['root', 'issuing'])),
      }),
      // What seals a delivery key makes pairs whose private part nobody sees; opening one is for no person.
      new PolicyStatement({
        actions: ['kms:GenerateDataKeyPairWithoutPlaintext'],
        resources: [key],
        conditions: keyTags(stage, tagged('ResourceTag', ['delivery'])),
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

function tagged(of: 'RequestTag' | 'ResourceTag', purposes: readonly string[]) {
  return {
    StringEquals: { [`aws:${of}/wardkey:purpose`]: [...purposes] },
    StringLike: { [`aws:${of}/wardkey:owner`]: '?*' },
  };
}

/** For the worker beside an HSM: takes orders, leaves signatures, and sees which key is whose. It reads no table. */
export function createSignerPolicy(
  stack: Stack,
  service: Service,
  { signing, createAuthority }: Issuance,
): ManagedPolicy {
  const { prefix } = service.parameters;
  const key = service.trust.keys.messages;
  const stacks = stacksOf(stack, prefix);
  const policy = new ManagedPolicy(stack, 'Signer', {
    managedPolicyName: `${prefix}-signer`,
    description: `Wardkey ${prefix}: sign beside an HSM (wardkey signer run)`,
    statements: [
      ...receiveFrom(signing.orders, key),
      ...sendTo(signing.certificates.queue, key),
      ...sendTo(signing.lists.queue, key),
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [createAuthority.lambda.functionArn],
      }),
      new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: stacks }),
    ],
  });
  accept(policy, 'The ARN of a stack ends with an id that it is given when it is made.', [
    ...stacks.map((arn) => wildcard(stack, arn)),
  ]);
  return policy;
}

function stacksOf(stack: Stack, prefix: string): string[] {
  return [STACKS.trust(prefix), STACKS.service(prefix)].map((name) =>
    stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${name}/*` }),
  );
}
