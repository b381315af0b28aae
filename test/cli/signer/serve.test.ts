// How does the signer treat its queues? A signature is sent before its order is taken off; what failed stays.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, test } from 'vitest';

import { serve, type SignerEvent } from '../../../cli/signer/serve.ts';
import type { ServedKey } from '../../../cli/signer/sign-order.ts';
import { issueCertificate } from '../../../functions/issuance/issue-certificate/flow.ts';
import { readIssuer } from '../../../shared/issuance/issuer.ts';
import { Fault } from '../../../shared/outcome.ts';
import { askFor, makeIssuanceScene, registerPump, valueOf } from '../../functions/issuance-scene.ts';

const HOME = { kind: 'pkcs11', name: 'issuing' } as const;
const QUEUES = { orders: 'http://sqs/1/orders', certificate: 'http://sqs/1/certificates', list: 'http://sqs/1/lists' };
const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** SQS as far as the signer speaks it: JSON 1.0 over HTTP; it hands out what is there, and keeps the calls. */
async function startQueues(orders: string[]) {
  const calls: string[] = [];
  const sent: { queue: string; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const input = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, string>;
      calls.push(call);
      if (call === 'SendMessage') sent.push({ queue: input['QueueUrl'] ?? '', body: input['MessageBody'] ?? '' });
      const waiting = call === 'ReceiveMessage' ? orders.splice(0) : [];
      const Messages = waiting.map((Body, index) => ({ Body, ReceiptHandle: `r${index}`, MessageId: `m${index}` }));
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      response.end(JSON.stringify(call === 'ReceiveMessage' ? { Messages } : { MessageId: 'm' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const options = { region: 'eu-central-1', endpoint, credentials, md5: false as const, useQueueUrlAsEndpoint: false };
  return { calls, sent, client: new SQSClient(options) };
}

async function keyScene() {
  const scene = await makeIssuanceScene({ home: HOME });
  const pump = await registerPump(scene);
  valueOf(await issueCertificate(await askFor(scene, pump.id), scene));
  const issuer = valueOf(readIssuer(scene.ceremony.issuing.certificate));
  const key: ServedKey = { name: HOME.name, signer: scene.ceremony.issuingSigner, issuer };
  return { order: JSON.stringify(scene.signing.requested[0]), key };
}

async function run(orders: string[], keys: readonly ServedKey[]) {
  const { client, calls, sent } = await startQueues(orders);
  const events: SignerEvent[] = [];
  const pauses: number[] = [];
  const world = {
    ...{ client, keys, queues: QUEUES, signal: new AbortController().signal },
    report: (event: SignerEvent) => void events.push(event),
    pause: (milliseconds: number) => Promise.resolve(void pauses.push(milliseconds)),
  };
  const signed = await serve(world, { once: true });
  return { signed, calls, sent, events: events.map(({ event }) => event), pauses };
}

const failing = (key: ServedKey, error: Error): ServedKey => ({
  ...key,
  signer: { algorithm: 'ES256', publicKey: () => Promise.reject(error), sign: () => Promise.reject(error) },
});

test('sends the signature to the queue of certificates, and only then takes the order off', async () => {
  const { order, key } = await keyScene();
  const { signed, calls, sent, events } = await run([order], [key]);
  expect([signed, events]).toEqual([1, ['signed']]);
  expect(calls).toEqual(['ReceiveMessage', 'SendMessage', 'DeleteMessage', 'ReceiveMessage']);
  expect(sent.map(({ queue }) => queue)).toEqual([QUEUES.certificate]);
  expect(Object.keys(JSON.parse(sent[0]?.body ?? '{}') as object)).toEqual(['intent', 'signature']);
});

test('leaves an order that is refused, or that another signer has the key for, in its queue', async () => {
  const { order, key } = await keyScene();
  const { signed, calls, events } = await run(['no order', order], [{ ...key, name: 'another' }]);
  expect([signed, events]).toEqual([0, ['refused', 'elsewhere']]);
  expect(calls).toEqual(['ReceiveMessage', 'ReceiveMessage']);
});

test('leaves an order whose token fails, and asks it less and less often', async () => {
  const { order, key } = await keyScene();
  const { events, calls, pauses } = await run([order, order, order], [failing(key, new Error('away'))]);
  expect([events, pauses]).toEqual([
    ['failed', 'failed', 'failed'],
    [2_000, 4_000, 8_000],
  ]);
  expect(calls).not.toContain('DeleteMessage');
});

test('ends at once when the token refused its PIN: a second try may lock it', async () => {
  const { order, key } = await keyScene();
  const refused = new Fault('pin-refused', 'the token did not take its PIN');
  await expect(run([order, order], [failing(key, refused)])).rejects.toBe(refused);
});
