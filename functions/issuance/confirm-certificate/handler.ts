// Wiring of `confirm-certificate`: confirmations of devices, from the queue that an IoT rule fills.
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, queues, tableNames } from '../../../shared/aws/environment.ts';
import { iotDeviceTopics } from '../../../shared/aws/iot-device-topics.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { handleQueue } from '../../handle.ts';
import { confirmCertificate } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('devices', 'ledger')),
  alignments: sqsAlignmentQueue(new SQSClient({}), queues('devices')),
  topics: iotDeviceTopics(new IoTDataPlaneClient({})),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleQueue(
  'confirm-certificate',
  (body, { requestId }) => confirmCertificate(body, { ...world, requestId }),
  ({ verdict }) => ({ verdict }),
);
