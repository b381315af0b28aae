// Wiring of `register-device`: first connects, from the queue that the IoT rule fills.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, tableNames, variable } from '../../../shared/aws/environment.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { handleQueue } from '../../handle.ts';
import { registerDevice } from './flow.ts';
import { parseNotice } from './notice.ts';

const account = variable('account');
const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'owners', 'ledger')),
  alignments: sqsAlignmentQueue(new SQSClient({}), { devices: variable('alignments') }),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleQueue('register-device', async (body, { requestId }) => {
  const notice = parseNotice(body, account);
  return notice.outcome === 'refused' ? notice : registerDevice(notice.value, { ...world, requestId });
});
