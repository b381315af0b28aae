// Wiring of `claim-devices`: invoked by IAM principals.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, roleMap, stsEndpoint, tableNames, variable } from '../../../shared/aws/environment.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { stsCallerIdentity } from '../../../shared/aws/sts-caller-identity.ts';
import { handleInvocation } from '../../handle.ts';
import { claimDevices } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'owners', 'ledger')),
  alignments: sqsAlignmentQueue(new SQSClient({}), { devices: variable('alignments') }),
  callers: stsCallerIdentity(stsEndpoint()),
  roles: roleMap(),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleInvocation('claim-devices', (event, { requestId, functionArn }) =>
  claimDevices(event, { ...world, requestId, audience: functionArn }),
);
