// Do the queue in memory and the one on Amazon SQS keep the same promises?
import { afterAll, beforeAll, expect, test } from 'vitest';

import { parseAuthorityRequest } from '../../functions/governance/change-trust/request.ts';
import { parseRequest } from '../../functions/onboarding/align-broker/request.ts';
import { sqsAlignmentQueue } from '../../shared/aws/sqs-alignment-queue.ts';
import type { AlignmentQueue } from '../../shared/ports.ts';
import { MemoryAlignmentQueue } from '../fakes/memory-alignment-queue.ts';
import { alignmentQueueContract } from './alignment-queue-contract.ts';
import { openQueue, type Arrivals } from './arrivals.ts';
import { Cleanup } from './local-aws.ts';

const CERTIFICATE = 'c'.repeat(64);
const KINDS = ['devices', 'certificates', 'authorities'] as const;
type Kind = (typeof KINDS)[number];

const memory = new MemoryAlignmentQueue();
const inMemory: Readonly<Record<Kind, () => readonly object[]>> = {
  devices: () => [
    ...memory.requested.splice(0).map((device) => ({ device })),
    ...memory.requestedRevocations.splice(0).map((certificate) => ({ certificate })),
  ],
  certificates: () => memory.requestedCertificates.splice(0).map((certificate) => ({ certificate })),
  authorities: () => memory.requestedAuthorities.splice(0).map((authority) => ({ authority })),
};
alignmentQueueContract('in memory', {
  queue: () => memory,
  arrived: (kind) => Promise.resolve(inMemory[kind]().map((body) => JSON.stringify(body))),
});

const cleanup = new Cleanup();
let arrivals: Record<Kind, Arrivals>;
let queue: AlignmentQueue;

beforeAll(async () => {
  const [devices, certificates, authorities] = await Promise.all([
    openQueue(cleanup),
    openQueue(cleanup),
    openQueue(cleanup),
  ]);
  arrivals = { devices, certificates, authorities };
  queue = sqsAlignmentQueue(devices.client, {
    devices: devices.queueUrl,
    certificates: certificates.queueUrl,
    authorities: authorities.queueUrl,
  });
}, 60_000);

afterAll(() => cleanup.run());

alignmentQueueContract('Amazon SQS (local cloud)', {
  queue: () => queue,
  arrived: (kind) => arrivals[kind].arrived(),
});

test('a function that was given one of the queues cannot ask through the others', async () => {
  const { client, queueUrl } = arrivals.devices;
  const onlyDevices = sqsAlignmentQueue(client, { devices: queueUrl });
  await expect(onlyDevices.requestCertificate(CERTIFICATE)).rejects.toThrow('no queue "certificates"');
  await expect(onlyDevices.requestAuthority(CERTIFICATE)).rejects.toThrow('no queue "authorities"');
  const onlyAuthorities = sqsAlignmentQueue(client, { authorities: arrivals.authorities.queueUrl });
  await expect(onlyAuthorities.request('acme-A3')).rejects.toThrow('no queue "devices"');
  await expect(onlyAuthorities.requestRevocation(CERTIFICATE)).rejects.toThrow('no queue "devices"');
  for (const kind of KINDS) expect(await arrivals[kind].arrived()).toEqual([]);
});

test('what the queue on SQS sends is what its readers parse', async () => {
  await queue.request('acme-A3');
  expect((await arrivals.devices.arrived()).map(parseRequest)).toEqual([
    { outcome: 'done', value: { device: 'acme-A3' } },
  ]);
  await queue.requestCertificate(CERTIFICATE);
  await queue.requestRevocation(CERTIFICATE);
  for (const kind of ['certificates', 'devices'] as const)
    expect((await arrivals[kind].arrived()).map(parseRequest)).toEqual([
      { outcome: 'done', value: { certificate: CERTIFICATE } },
    ]);
  await queue.requestAuthority(CERTIFICATE);
  expect((await arrivals.authorities.arrived()).map(parseAuthorityRequest)).toEqual([
    { outcome: 'done', value: CERTIFICATE },
  ]);
});
