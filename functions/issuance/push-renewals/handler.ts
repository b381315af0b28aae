// Wiring of `push-renewals`: started by a schedule.
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, queues, tableNames } from '../../../shared/aws/environment.ts';
import { iotDeviceTopics } from '../../../shared/aws/iot-device-topics.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { handleInvocation } from '../../handle.ts';
import { pushRenewals } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('devices', 'ledger')),
  topics: iotDeviceTopics(new IoTDataPlaneClient({})),
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('devices')),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleInvocation('push-renewals', (_event, { requestId }) =>
  pushRenewals({ ...world, requestId }),
);
