// What may a role do? Statements that name each action and resource, so that no grant is wider than its table here.
import { Stack } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

import type { Construct } from 'constructs';

import { PENDING_INDEX } from '../shared/env.ts';
import { keyTags } from './local.ts';
import type { Parameters } from './parameters.ts';

/** What a function may do with a table. Nobody may delete a row, nobody may scan. */
export const READ = ['GetItem', 'BatchGetItem', 'Query'] as const;
/** Rows are created and replaced by conditional puts, inside transactions that may check other rows. */
export const WRITE = [...READ, 'ConditionCheckItem', 'PutItem'] as const;
/** Also adds to a counter that decides nothing. */
export const COUNT = [...WRITE, 'UpdateItem'] as const;
/** For the ledger: adds entries, reads and changes none. */
export const APPEND = ['PutItem'] as const;

export type TableUse = typeof READ | typeof WRITE | typeof COUNT | typeof APPEND;

export function useTable(table: TableV2, key: IKey, use: TableUse): PolicyStatement[] {
  const writes = use !== READ;
  return [
    new PolicyStatement({ actions: use.map((action) => `dynamodb:${action}`), resources: [table.tableArn] }),
    useKey(key, 'dynamodb', writes ? [...KEY_READ, ...KEY_WRITE] : KEY_READ),
  ];
}

/** The index of rows that the broker may not match yet; reading it is a hint, never a decision. */
export function usePendingIndex(table: TableV2): PolicyStatement {
  return new PolicyStatement({
    actions: ['dynamodb:Query'],
    resources: [`${table.tableArn}/index/${PENDING_INDEX.name}`],
  });
}

export function sendTo(queue: IQueue, key: IKey): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
    useKey(key, 'sqs', ['kms:GenerateDataKey', 'kms:Decrypt']),
  ];
}

export function receiveFrom(queue: IQueue, key: IKey): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'], resources: [queue.queueArn] }),
    useKey(key, 'sqs', ['kms:Decrypt']),
  ];
}

export function readObjects(objects: string, key: IKey): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: [objects] }),
    useKey(key, 's3', ['kms:Decrypt']),
  ];
}

export function writeObjects(objects: string, key: IKey): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['s3:PutObject'], resources: [objects] }),
    useKey(key, 's3', ['kms:GenerateDataKey', 'kms:Decrypt']),
  ];
}

export interface TaggedKeys {
  readonly actions: readonly string[];
  /** Values of the tag `wardkey:purpose`. */
  readonly purposes: readonly string[];
}

/** Keys that people make at run time, by what they are tagged for; no role of a function may tag a key. */
export function useTaggedKeys(scope: Construct, stage: Parameters['stage'], { actions, purposes }: TaggedKeys) {
  const stack = Stack.of(scope);
  const account = { 'aws:ResourceAccount': stack.account };
  const tagged = { StringEquals: { 'aws:ResourceTag/wardkey:purpose': [...purposes], ...account } };
  const conditions = keyTags(stage, tagged);
  return [new PolicyStatement({ actions: [...actions], resources: [keysOf(stack)], conditions })];
}

/** Every key of the account: nothing but a condition says which are meant. */
export function keysOf(stack: Stack): string {
  return stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' });
}

/** Lets a service act on a resource only for one of our own resources (confused deputy, T045). */
export function onlyFor(sourceArn: string | string[], account: string) {
  return { ArnEquals: { 'aws:SourceArn': sourceArn }, StringEquals: { 'aws:SourceAccount': account } };
}

/** EventBridge or another service may put messages of one source into the queue. */
export function acceptFrom(queue: IQueue, principal: ServicePrincipal, sourceArn: string): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [principal],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: onlyFor(sourceArn, Stack.of(queue).account),
    }),
  );
}

// A storage key works for a role only through the service that stores: nobody can decrypt a row or object by hand.
function useKey(key: IKey, service: 'dynamodb' | 's3' | 'sqs', actions: readonly string[]): PolicyStatement {
  const { region, urlSuffix } = Stack.of(key);
  return new PolicyStatement({
    actions: [...actions],
    resources: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` } },
  });
}

const KEY_READ = ['kms:Decrypt', 'kms:DescribeKey'];
const KEY_WRITE = ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'];
