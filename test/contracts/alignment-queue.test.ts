// Do the queue in memory and the one on Amazon SQS keep the same promises?
import { afterAll, beforeAll, expect, test } from 'vitest';

import { parseRequest } from '../../functions/onboarding/align-broker/request.ts';
import { sqsAlignmentQueue } from '../../shared/aws/sqs-alignment-queue.ts';
import type { AlignmentQueue } from '../../shared/ports.ts';
import { MemoryAlignmentQueue } from '../fakes/memory-alignment-queue.ts';
import { alignmentQueueContract } from './alignment-queue-contract.ts';
import { openQueue, type Arrivals } from './arrivals.ts';
import { Cleanup } from './local-aws.ts';

const memory = new MemoryAlignmentQueue();
alignmentQueueContract('in memory', {
  queue: () => memory,
  arrived: () =>
    Promise.resolve(
      [
        ...memory.requested.splice(0).map((device) => ({ device })),
        ...memory.requestedCertificates.splice(0).map((certificate) => ({ certificate })),
      ].map((body) => JSON.stringify(body)),
    ),
});

const cleanup = new Cleanup();
let arrivals: Arrivals;
let queue: AlignmentQueue;

beforeAll(async () => {
  arrivals = await openQueue(cleanup);
  const { queueUrl } = arrivals;
  queue = sqsAlignmentQueue(arrivals.client, { devices: queueUrl, certificates: queueUrl });
}, 60_000);

afterAll(() => cleanup.run());

alignmentQueueContract('Amazon SQS (local cloud)', { queue: () => queue, arrived: () => arrivals.arrived() });

test('a function that was given one of the two queues cannot ask through the other', async () => {
  const onlyDevices = sqsAlignmentQueue(arrivals.client, { devices: arrivals.queueUrl });
  await expect(onlyDevices.requestCertificate('c'.repeat(64))).rejects.toThrow('no queue "certificates"');
  expect(await arrivals.arrived()).toEqual([]);
});

test('what the queue on SQS sends is what align-broker parses', async () => {
  const certificate = 'c'.repeat(64);
  await queue.request('acme-A3');
  expect((await arrivals.arrived()).map(parseRequest)).toEqual([{ outcome: 'done', value: { device: 'acme-A3' } }]);
  await queue.requestCertificate(certificate);
  expect((await arrivals.arrived()).map(parseRequest)).toEqual([{ outcome: 'done', value: { certificate } }]);
});
