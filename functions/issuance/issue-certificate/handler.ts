// Wiring of `issue-certificate`: requests of devices, and answers of signers beside an HSM, from one queue each.
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSEvent } from 'aws-lambda';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, isFrom, keyClient, queues, tableNames, variable } from '../../../shared/aws/environment.ts';
import { iotDeviceTopics } from '../../../shared/aws/iot-device-topics.ts';
import { kmsKeyHomes } from '../../../shared/aws/kms-certificate-signer.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness, nodeSerial } from '../../../shared/aws/node-randomness.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { sqsSigningQueue } from '../../../shared/aws/sqs-signing-queue.ts';
import { handleQueue, type Call } from '../../handle.ts';
import { concludeAnswered } from './answered.ts';
import { issueCertificate, type Issuance } from './flow.ts';

const sqs = new SQSClient({});
const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'owners', 'ledger')),
  alignments: sqsAlignmentQueue(sqs, queues('devices')),
  topics: iotDeviceTopics(new IoTDataPlaneClient({})),
  keys: kmsKeyHomes(keyClient(), nodeClock),
  signing: sqsSigningQueue(sqs, variable('signing')),
  newSerial: nodeSerial,
  clock: nodeClock,
  random: nodeRandomness,
};
const tell = ({ verdict }: Issuance) => ({ verdict });
const run = (body: string, { requestId }: Call) => issueCertificate(body, { ...world, requestId });
const conclude = (body: string, { requestId }: Call) => concludeAnswered(body, { ...world, requestId });
const requests = handleQueue('issue-certificate', run, tell);
const answers = handleQueue('issue-certificate', conclude, tell);

export const handler = (event: SQSEvent, context: Context) =>
  isFrom(event, 'signed') ? answers(event, context) : requests(event, context);
