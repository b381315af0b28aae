// Requests to align-broker and change-trust on Amazon SQS. Decides nothing.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import { Fault } from '../outcome.ts';
import type { AlignmentQueue } from '../ports.ts';

/** The body is `{"device": id}`, `{"certificate": id}` or `{"authority": id}`; a standard queue: at least once, unordered. */
export function sqsAlignmentQueue(client: SQSClient, queues: AlignmentQueues): AlignmentQueue {
  const send = async (kind: keyof AlignmentQueues, body: object) => {
    const QueueUrl = queues[kind];
    if (QueueUrl === undefined) throw new Fault('environment-incomplete', `this function was given no queue "${kind}"`);
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
  };
  return {
    request: (device) => send('devices', { device }),
    requestCertificate: (certificate) => send('certificates', { certificate }),
    requestRevocation: (certificate) => send('devices', { certificate }),
    requestAuthority: (authority) => send('authorities', { authority }),
  };
}

/** Apart: a reel of a hundred thousand chips must not stand before a device that was admitted. */
export interface AlignmentQueues {
  readonly devices?: string;
  readonly certificates?: string;
  /** Read by change-trust. */
  readonly authorities?: string;
}
