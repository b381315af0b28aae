// Do the queue of chunks in memory and the one on Amazon SQS keep the same promises?
import { afterAll, beforeAll, expect, test } from 'vitest';

import { parseChunkRequest } from '../../functions/whitelist/list-devices/message.ts';
import { sqsChunkQueue } from '../../shared/aws/sqs-chunk-queue.ts';
import type { ChunkQueue } from '../../shared/ports.ts';
import { MemoryChunkQueue } from '../fakes/memory-chunk-queue.ts';
import { openQueue, type Arrivals } from './arrivals.ts';
import { chunkQueueContract } from './chunk-queue-contract.ts';
import { Cleanup } from './local-aws.ts';

const memory = new MemoryChunkQueue();
chunkQueueContract('in memory', {
  queue: () => memory,
  arrived: () => Promise.resolve(memory.requested.splice(0).map((chunk) => JSON.stringify(chunk))),
});

const cleanup = new Cleanup();
let arrivals: Arrivals;
let queue: ChunkQueue;

beforeAll(async () => {
  arrivals = await openQueue(cleanup);
  queue = sqsChunkQueue(arrivals.client, arrivals.queueUrl);
}, 60_000);

afterAll(() => cleanup.run());

chunkQueueContract('Amazon SQS (local cloud)', { queue: () => queue, arrived: () => arrivals.arrived() });

test('what the queue on SQS sends is what list-devices parses', async () => {
  const chunk = { signatureKey: 'manifests/acme/ü.json', signatureVersion: 'v', chunk: 7, digest: 'd'.repeat(64) };
  await queue.request(chunk);
  expect((await arrivals.arrived()).map(parseChunkRequest)).toEqual([{ outcome: 'done', value: chunk }]);
});
