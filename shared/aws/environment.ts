// What was this function given? Its environment, read once when the function starts; whatever is absent is a fault.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IoTClient } from '@aws-sdk/client-iot';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

import { VARIABLES } from '../env.ts';
import { parseRoleMap, type RoleMap } from '../governance/permissions.ts';
import { parseJson } from '../json.ts';
import { Fault } from '../outcome.ts';
import type { TableName } from '../ports.ts';
import type { Tables } from './dynamodb-registry.ts';
import type { AlignmentQueues } from './sqs-alignment-queue.ts';

export function variable(name: keyof typeof VARIABLES): string {
  const value = process.env[VARIABLES[name]];
  if (value !== undefined && value !== '') return value;
  throw new Fault('environment-incomplete', `expected the environment variable ${VARIABLES[name]}`);
}

/** A whole number from 1. */
export function count(name: keyof typeof VARIABLES): number {
  const value = Number(variable(name));
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Fault('environment-incomplete', `expected a whole number from 1 in ${VARIABLES[name]}`);
}

/** The deployment's role map; one that cannot be read is a fault, not an empty one. */
export function roleMap(): RoleMap {
  const roles = parseRoleMap(parseJson(variable('roles')));
  if (roles === undefined) throw new Fault('environment-incomplete', `expected a role map in ${VARIABLES.roles}`);
  return roles;
}

/** Names of the tables this function uses. */
export function tableNames(...tables: readonly TableName[]): Tables {
  return Object.fromEntries(tables.map((table) => [table, variable(table)]));
}

/** The queues through which this function asks for a look. */
export function queues(...names: readonly (keyof AlignmentQueues)[]): AlignmentQueues {
  return Object.fromEntries(names.map((name) => [name, variable(QUEUE_VARIABLES[name])]));
}

const QUEUE_VARIABLES = { devices: 'alignments', certificates: 'certificates', authorities: 'authorities' } as const;

export function documentClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });
}

/** What it repeated by itself, nobody would see: each call to a signing key is recorded. */
export function keyClient(): KMSClient {
  return new KMSClient({
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
  });
}

/** Whether this event comes from the queue of that name; anything else is not. */
export function isFrom(event: unknown, queue: 'signed' | 'signedLists'): boolean {
  const [record] = (event as { readonly Records?: readonly { readonly eventSourceARN?: string }[] }).Records ?? [];
  return record?.eventSourceARN === variable(queue);
}

/** Short of patience: a change that arrives late could undo a newer one (functions/lease.ts counts on 9 seconds). */
export function iotClient(): IoTClient {
  return new IoTClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
  });
}

export function s3Client(): S3Client {
  // In the local cloud a bucket's name is no host name.
  return new S3Client({ forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined });
}

/** The Regional endpoint of AWS STS, or the one that the local cloud sets for all services. */
export function stsEndpoint(): string {
  const { AWS_ENDPOINT_URL, AWS_REGION } = process.env;
  if (AWS_ENDPOINT_URL !== undefined) return AWS_ENDPOINT_URL;
  if (AWS_REGION === undefined)
    throw new Fault('environment-incomplete', 'expected the environment variable AWS_REGION');
  return `https://sts.${AWS_REGION}.amazonaws.com`;
}
