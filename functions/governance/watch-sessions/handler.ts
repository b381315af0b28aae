// Wiring of `watch-sessions`: connects and disconnects, from the queue that an IoT rule fills.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, queues, tableNames } from '../../../shared/aws/environment.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { handleQueue } from '../../handle.ts';
import { watchSessions } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('devices', 'owners', 'ledger')),
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('devices')),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleQueue(
  'watch-sessions',
  (body, { requestId }) => watchSessions(body, { ...world, requestId }),
  ({ sign }) => ({ sign }),
);
