// Wiring of `list-devices`: chunks of verified manifests, through their queue.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, s3Client, tableNames, variable } from '../../../shared/aws/environment.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { s3ManifestStore } from '../../../shared/aws/s3-manifest-store.ts';
import { sqsAlignmentQueue } from '../../../shared/aws/sqs-alignment-queue.ts';
import { handleQueue } from '../../handle.ts';
import { listDevices } from './flow.ts';
import { parseChunkRequest } from './message.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'owners', 'ledger')),
  manifests: s3ManifestStore(s3Client(), variable('manifests')),
  alignments: sqsAlignmentQueue(new SQSClient({}), { certificates: variable('certificates') }),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleQueue('list-devices', async (body, { requestId }) => {
  const request = parseChunkRequest(body);
  return request.outcome === 'refused' ? request : listDevices(request.value, { ...world, requestId });
});
