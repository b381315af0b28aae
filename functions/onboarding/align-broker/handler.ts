// Wiring of `align-broker`: requests from its queue, and the sweep that a schedule starts.
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSEvent } from 'aws-lambda';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, iotClient, queues, tableNames, variable } from '../../../shared/aws/environment.ts';
import { iotBroker } from '../../../shared/aws/iot-broker.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { done } from '../../../shared/outcome.ts';
import { handleInvocation, handleQueue } from '../../handle.ts';
import { brokerQuota } from '../broker-quota.ts';
import { align } from './flow.ts';
import { isSweep, parseRequest } from './request.ts';
import { sweepPending } from './sweep.ts';

const registry = dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'ledger'));
const world = {
  registry,
  broker: iotBroker(iotClient()),
  policies: { registration: variable('registrationPolicy'), operation: variable('operationPolicy') },
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('devices', 'certificates', 'authorities')),
  quota: brokerQuota(registry, nodeClock),
  clock: nodeClock,
  random: nodeRandomness,
};

const requests = handleQueue('align-broker', async (body, { requestId }) => {
  const request = parseRequest(body);
  if (request.outcome === 'refused') return request;
  return done(await align(request.value, { ...world, requestId }));
});
const sweep = handleInvocation('align-broker', async () => done(await sweepPending(world)));

export const handler = (event: unknown, context: Context) =>
  isSweep(event) ? sweep(event, context) : requests(event as SQSEvent, context);
