// Orders for a signer beside an HSM, on Amazon SQS. Decides nothing.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import type { SigningQueue } from '../ports.ts';

export function sqsSigningQueue(client: SQSClient, QueueUrl: string): SigningQueue {
  return {
    async request(order) {
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(order) }));
    },
  };
}
