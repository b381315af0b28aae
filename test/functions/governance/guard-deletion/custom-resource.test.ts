// Does CloudFormation always get an answer, and a refusal in words that help?
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { ADVICE, answerResource } from '../../../../functions/governance/guard-deletion/custom-resource.ts';
import { done, Fault, refused } from '../../../../shared/outcome.ts';

interface Heard {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

const REMAIN = refused({ reason: 'devices-remain', certificates: 3, authorities: 1 });
const NAMES = { StackId: 'stack-1', RequestId: 'request-1', LogicalResourceId: 'DeletionGuard' };
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

test.each(['Create', 'Update'])('answers %s with success, without looking for devices', async (RequestType) => {
  const { url, heard } = await listen();
  let looked = 0;
  const mayDelete = () => Promise.resolve(looked++ === 0 ? REMAIN : REMAIN);
  expect(await answerResource({ RequestType, ResponseURL: url, ...NAMES }, mayDelete)).toEqual(done('kept'));
  expect(looked).toBe(0);
  expect(heard).toEqual([
    {
      method: 'PUT',
      contentType: '',
      body: { Status: 'SUCCESS', PhysicalResourceId: 'wardkey-deletion-guard', ...NAMES },
    },
  ]);
});

test('answers a deletion with success when nothing remains', async () => {
  const { url, heard } = await listen();
  await answerResource({ RequestType: 'Delete', ResponseURL: url, ...NAMES }, () => Promise.resolve(done('free')));
  expect(heard.map(({ body }) => body['Status'])).toEqual(['SUCCESS']);
});

test('answers a deletion with what remains and what to do', async () => {
  const { url, heard } = await listen();
  expect(
    await answerResource({ RequestType: 'Delete', ResponseURL: url, ...NAMES }, () => Promise.resolve(REMAIN)),
  ).toBe(REMAIN);
  expect(heard.map(({ body }) => body['Status'])).toEqual(['FAILED']);
  expect(heard[0]?.body['Reason']).toContain('3 device certificates and 1 certificate authorities');
  expect(heard[0]?.body['Reason']).toContain(ADVICE);
});

test('T146 answers a fault as well, without its internals, and stays a fault', async () => {
  const { url, heard } = await listen();
  const fault = new Fault('answer-malformed', 'arn:aws:iot:eu-central-1:1:policy/secret');
  await expect(
    answerResource({ RequestType: 'Delete', ResponseURL: url, ...NAMES }, () => Promise.reject(fault)),
  ).rejects.toBe(fault);
  expect(heard.map(({ body }) => body['Status'])).toEqual(['FAILED']);
  expect(JSON.stringify(heard)).not.toContain('arn:');
});

test('takes an answer that CloudFormation does not accept for a fault, and does not answer a second time', async () => {
  const { url, heard } = await listen(403);
  const call = answerResource({ RequestType: 'Create', ResponseURL: url, ...NAMES }, () =>
    Promise.resolve(done('free')),
  );
  await expect(call).rejects.toMatchObject({ code: 'answer-malformed' });
  expect(heard.map(({ body }) => body['Status'])).toEqual(['SUCCESS']);
});

test('answers a deletion once, also when CloudFormation does not accept the answer', async () => {
  for (const outcome of [done('free'), REMAIN]) {
    const { url, heard } = await listen(403);
    const event = { RequestType: 'Delete', ResponseURL: url, ...NAMES };
    const call = answerResource(event, () => Promise.resolve(outcome));
    await expect(call).rejects.toMatchObject({ code: 'answer-malformed' });
    expect(heard).toHaveLength(1);
  }
});

test.each<[name: string, event: unknown]>([
  ['nothing', undefined],
  ['an act', { act: {} }],
  ['an unknown request', { RequestType: 'Destroy', ResponseURL: 'https://localhost/', ...NAMES }],
  ['a request without an address', { RequestType: 'Delete', ...NAMES }],
])('takes %s for an event it was never subscribed to', async (_name, event) => {
  await expect(answerResource(event, () => Promise.resolve(done('free')))).rejects.toMatchObject({
    code: 'event-unknown',
  });
});

/** The address of a pre-signed URL, on this machine. */
async function listen(status = 200) {
  const heard: Heard[] = [];
  const server = createServer((request, answer) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as Heard['body'];
      heard.push({ method: request.method, contentType: request.headers['content-type'], body });
      answer.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`, heard };
}
