// Wiring of `approve-act`: invoked by IAM principals.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, queues, roleMap, stsEndpoint, tableNames } from '../../../shared/aws/environment.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { stsCallerIdentity } from '../../../shared/aws/sts-caller-identity.ts';
import { handleInvocation } from '../../handle.ts';
import { approveAct } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'owners', 'ledger')),
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('devices')),
  callers: stsCallerIdentity(stsEndpoint()),
  roles: roleMap(),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleInvocation('approve-act', (event, { requestId, functionArn }) =>
  approveAct(event, { ...world, requestId, audience: functionArn }),
);
