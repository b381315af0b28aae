// Wiring of `change-trust`: acts of IAM principals, and the queue of authorities that the broker may not match.
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSEvent } from 'aws-lambda';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, iotClient, queues, roleMap } from '../../../shared/aws/environment.ts';
import { stsEndpoint, tableNames } from '../../../shared/aws/environment.ts';
import { iotAuthorityRegistry } from '../../../shared/aws/iot-authority-registry.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { stsCallerIdentity } from '../../../shared/aws/sts-caller-identity.ts';
import { handleInvocation, handleQueue, type Call } from '../../handle.ts';
import { changeTrust } from './flow.ts';
import { answerRequest, isQueueEvent } from './request.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('owners', 'devices', 'ledger')),
  authorities: iotAuthorityRegistry(iotClient()),
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('authorities')),
  callers: stsCallerIdentity(stsEndpoint()),
  roles: roleMap(),
  clock: nodeClock,
  random: nodeRandomness,
};

const acts = handleInvocation('change-trust', (event, { requestId, functionArn }) =>
  changeTrust(event, { ...world, requestId, audience: functionArn }),
);
const answer = (body: string, { requestId }: Call) => answerRequest(body, { ...world, requestId });
const requests = handleQueue('change-trust', answer, ({ registration }) => ({ registration }));

export const handler = (event: unknown, context: Context) =>
  isQueueEvent(event) ? requests(event as SQSEvent, context) : acts(event, context);
