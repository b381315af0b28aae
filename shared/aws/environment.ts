// What was this function given? Its environment, read once when the function starts; whatever is absent is a fault.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

import { VARIABLES } from '../env.ts';
import { parseRoleMap, type RoleMap } from '../governance/permissions.ts';
import { parseJson } from '../json.ts';
import { Fault } from '../outcome.ts';
import type { TableName } from '../ports.ts';
import type { Tables } from './dynamodb-registry.ts';

export function variable(name: keyof typeof VARIABLES): string {
  const value = process.env[VARIABLES[name]];
  if (value !== undefined && value !== '') return value;
  throw new Fault('environment-incomplete', `expected the environment variable ${VARIABLES[name]}`);
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

export function documentClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });
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
