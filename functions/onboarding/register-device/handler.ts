// Wiring of `register-device`: first connects, from the queue that the IoT rules fill.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { count, documentClient, iotClient, queues, tableNames, variable } from '../../../shared/aws/environment.ts';
import { iotBroker } from '../../../shared/aws/iot-broker.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { handleQueue } from '../../handle.ts';
import { brokerQuota } from '../broker-quota.ts';
import { registerDevice } from './flow.ts';
import { parseNotice } from './notice.ts';

const account = variable('account');
const registry = dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'owners', 'ledger'));
const world = {
  registry,
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('devices', 'authorities')),
  broker: iotBroker(iotClient()),
  quota: brokerQuota(registry, nodeClock),
  clock: nodeClock,
  random: nodeRandomness,
  pendingDays: count('pendingDays'),
};

export const handler = handleQueue(
  'register-device',
  async (body, { requestId }) => {
    const notice = parseNotice(body, account);
    return notice.outcome === 'refused' ? notice : registerDevice(notice.value, { ...world, requestId });
  },
  ({ verdict }) => ({ verdict }),
);
