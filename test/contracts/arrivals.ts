// What has arrived in a queue on the local cloud? For the contracts of everything that sends to one.
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

import { type Cleanup, clientSettings, localAws, randomName } from './local-aws.ts';

export interface Arrivals {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Bodies since the last call, as a function reads them. */
  readonly arrived: () => Promise<readonly string[]>;
}

/** A standard queue of its own. */
export async function openQueue(cleanup: Cleanup): Promise<Arrivals> {
  const client = new SQSClient(clientSettings(await localAws()));
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: randomName() }));
  cleanup.later(() => client.send(new DeleteQueueCommand({ QueueUrl })));
  return { client, queueUrl: QueueUrl, arrived: () => receiveAll(client, QueueUrl) };
}

async function receiveAll(client: SQSClient, QueueUrl: string): Promise<readonly string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return bodies;
    for (const { Body = '', ReceiptHandle } of Messages) {
      bodies.push(Body);
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}
