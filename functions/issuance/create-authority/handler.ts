// Wiring of `create-authority`: invoked by IAM principals.
import { KMSClient } from '@aws-sdk/client-kms';
import type { Context } from 'aws-lambda';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, iotClient, roleMap } from '../../../shared/aws/environment.ts';
import { stsEndpoint, tableNames, variable } from '../../../shared/aws/environment.ts';
import { iotAuthorityRegistry } from '../../../shared/aws/iot-authority-registry.ts';
import { kmsKeyInspector } from '../../../shared/aws/kms-key-inspector.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { stsCallerIdentity } from '../../../shared/aws/sts-caller-identity.ts';
import { handleInvocation } from '../../handle.ts';
import { parseShow } from './act.ts';
import { createAuthority, showOwnersAuthority } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('owners', 'ledger')),
  authorities: iotAuthorityRegistry(iotClient()),
  inspector: kmsKeyInspector(new KMSClient({})),
  account: variable('account'),
  callers: stsCallerIdentity(stsEndpoint()),
  roles: roleMap(),
  clock: nodeClock,
  random: nodeRandomness,
};

const acts = handleInvocation('create-authority', (event, { requestId, functionArn }) =>
  createAuthority(event, { ...world, requestId, audience: functionArn }),
);
const show = handleInvocation('create-authority', (event) => showOwnersAuthority(parseShow(event) ?? '', world));

export const handler = (event: unknown, context: Context) =>
  parseShow(event) === undefined ? acts(event, context) : show(event, context);
