// Wiring of `import-manifest`: deliveries that are complete in the manifest bucket, through its queue.
import { SQSClient } from '@aws-sdk/client-sqs';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, s3Client, tableNames, variable } from '../../../shared/aws/environment.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { s3ManifestStore } from '../../../shared/aws/s3-manifest-store.ts';
import { sqsChunkQueue } from '../../../shared/aws/sqs-chunk-queue.ts';
import { handleQueue } from '../../handle.ts';
import { importManifest } from './flow.ts';
import { parseDelivery } from './notice.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('whitelist', 'owners', 'ledger')),
  manifests: s3ManifestStore(s3Client(), variable('manifests')),
  chunks: sqsChunkQueue(new SQSClient({}), variable('chunks')),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleQueue('import-manifest', async (body, { requestId }) => {
  const delivery = parseDelivery(body);
  return delivery.outcome === 'refused' ? delivery : importManifest(delivery.value, { ...world, requestId });
});
