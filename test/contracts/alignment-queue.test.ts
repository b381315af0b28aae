// Do the queue in memory and the one on Amazon SQS keep the same promises?
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { parseRequest } from '../../functions/onboarding/align-broker/request.ts';
import { sqsAlignmentQueue } from '../../shared/aws/sqs-alignment-queue.ts';
import type { AlignmentQueue } from '../../shared/ports.ts';
import { MemoryAlignmentQueue } from '../fakes/memory-alignment-queue.ts';
import { alignmentQueueContract } from './alignment-queue-contract.ts';
import { Cleanup, clientSettings, localAws, randomName } from './local-aws.ts';

const memory = new MemoryAlignmentQueue();
alignmentQueueContract('in memory', {
  queue: () => memory,
  arrived: () => Promise.resolve(memory.requested.splice(0).map((device) => JSON.stringify({ device }))),
});

const cleanup = new Cleanup();
let client: SQSClient;
let queueUrl: string;
let queue: AlignmentQueue;

beforeAll(async () => {
  client = new SQSClient(clientSettings(await localAws()));
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: randomName() }));
  cleanup.later(() => client.send(new DeleteQueueCommand({ QueueUrl })));
  queueUrl = QueueUrl;
  queue = sqsAlignmentQueue(client, queueUrl);
}, 60_000);

afterAll(() => cleanup.run());

async function arrived(): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return bodies;
    for (const { Body = '', ReceiptHandle } of Messages) {
      bodies.push(Body);
      await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    }
  }
}

alignmentQueueContract('Amazon SQS (local cloud)', { queue: () => queue, arrived });

test('what the queue on SQS sends is what align-broker parses', async () => {
  await queue.request('acme-A3');
  expect((await arrived()).map(parseRequest)).toMatchObject([{ outcome: 'done', value: 'acme-A3' }]);
});
