// Which KMS keys does Wardkey have, what is each for, and who may use it?
// These are storage keys. Keys that decide (signers, custody of data keys) are never storage keys (DESIGN section 6).
import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

import { encryptionContext } from './local.ts';
import type { Parameters } from './parameters.ts';

export const KEYS = {
  records: {
    purpose: 'what must never be lost: the four tables and the manifest bucket',
    spec: KeySpec.SYMMETRIC_DEFAULT,
    users: 'roles of functions, only through DynamoDB and S3; the operator policy, only through S3',
    services: [],
  },
  messages: {
    purpose: 'what passes through: queues, the alarm topic, log groups',
    spec: KeySpec.SYMMETRIC_DEFAULT,
    users: 'roles of functions and of the IoT rule, only through SQS; EventBridge, CloudWatch and CloudWatch Logs',
    services: ['events', 'cloudwatch', 'logs'],
  },
} as const;

export type KeyName = keyof typeof KEYS;

/** Rotated each year by KMS. Deletion, where it is chosen, waits 30 days. */
export function createKeys(scope: Construct, parameters: Parameters): Readonly<Record<KeyName, Key>> {
  return { records: createKey(scope, 'records', parameters), messages: createKey(scope, 'messages', parameters) };
}

function createKey(scope: Construct, name: KeyName, parameters: Parameters): Key {
  const { purpose, spec, services } = KEYS[name];
  const key = new Key(scope, `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}Key`, {
    alias: `${parameters.prefix}-${name}`,
    description: `Wardkey ${parameters.prefix}: ${purpose}`,
    keySpec: spec,
    enableKeyRotation: true,
    pendingWindow: Duration.days(30),
    removalPolicy: parameters.retention === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
  for (const service of services) key.addToResourcePolicy(serviceStatement(scope, service, parameters));
  return key;
}

// A service may use the key only for resources of this deployment (confused deputy), except EventBridge: its calls to
// KMS name no source, a condition would silently lose every event; there the policy of each queue names the rule
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
function serviceStatement(scope: Construct, service: Service, { prefix, stage }: Parameters): PolicyStatement {
  const { account, region } = Stack.of(scope);
  const ours = (resource: string) =>
    Stack.of(scope).formatArn({
      service,
      resource,
      resourceName: `${prefix}-*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  const use = ['kms:Decrypt', 'kms:GenerateDataKey'];
  const statement = {
    events: { name: 'events.amazonaws.com', actions: use, conditions: {} },
    cloudwatch: {
      name: 'cloudwatch.amazonaws.com',
      actions: use,
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': ours('alarm') },
      },
    },
    logs: {
      name: `logs.${region}.amazonaws.com`,
      actions: [...use, 'kms:Encrypt', 'kms:DescribeKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      conditions: encryptionContext(stage, { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': ours('log-group') } }),
    },
  }[service];
  return new PolicyStatement({
    principals: [new ServicePrincipal(statement.name)],
    actions: statement.actions,
    resources: ['*'], // in a key policy: this key
    conditions: statement.conditions,
  });
}

type Service = (typeof KEYS.messages.services)[number];
