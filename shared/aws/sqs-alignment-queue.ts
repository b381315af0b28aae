// Requests to align-broker on Amazon SQS. Decides nothing.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import { Fault } from '../outcome.ts';
import type { AlignmentQueue } from '../ports.ts';

/** The body is `{"device": id}` or `{"certificate": id}`; a standard queue: at least once, unordered. */
export function sqsAlignmentQueue(client: SQSClient, queues: AlignmentQueues): AlignmentQueue {
  const send = async (kind: keyof AlignmentQueues, body: object) => {
    const QueueUrl = queues[kind];
    if (QueueUrl === undefined) throw new Fault('environment-incomplete', `this function was given no queue "${kind}"`);
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
  };
  return {
    request: (device) => send('devices', { device }),
    requestCertificate: (certificate) => send('certificates', { certificate }),
  };
}

/** Two queues: a reel of a hundred thousand chips must not stand before a device that was admitted. */
export interface AlignmentQueues {
  readonly devices?: string;
  readonly certificates?: string;
}
