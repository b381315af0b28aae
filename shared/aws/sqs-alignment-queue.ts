// Requests to align-broker on Amazon SQS. Decides nothing.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import type { AlignmentQueue } from '../ports.ts';

/** The body is `{"device": id}` or `{"certificate": id}`; a standard queue: at least once, unordered. */
export function sqsAlignmentQueue(client: SQSClient, queueUrl: string): AlignmentQueue {
  const send = async (body: object) => {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(body) }));
  };
  return {
    request: (device) => send({ device }),
    requestCertificate: (certificate) => send({ certificate }),
  };
}
