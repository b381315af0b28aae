// Requests to align-broker on Amazon SQS. Decides nothing.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import type { AlignmentQueue } from '../ports.ts';

/** The body is `{"device": id}`; a standard queue: at least once, unordered. */
export function sqsAlignmentQueue(client: SQSClient, queueUrl: string): AlignmentQueue {
  return {
    async request(device) {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify({ device }) }));
    },
  };
}
