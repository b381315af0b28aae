// Requests to list-devices on Amazon SQS. Decides nothing.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import type { ChunkQueue } from '../ports.ts';

/** The body is the request as JSON; a standard queue: at least once, unordered. */
export function sqsChunkQueue(client: SQSClient, queueUrl: string): ChunkQueue {
  return {
    async request(chunk) {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(chunk) }));
    },
  };
}
