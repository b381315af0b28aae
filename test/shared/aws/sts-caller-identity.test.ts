// What does the question to STS do when STS, or whoever asks, does not behave?
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { IDENTITY_BODY, stsCallerIdentity } from '../../../shared/aws/sts-caller-identity.ts';

let server: Server;
let endpoint: string;
let received: { method: string | undefined; url: string | undefined; act: unknown; body: string }[];
let answer: { status: number; body: string };

beforeEach(async () => {
  received = [];
  answer = { status: 200, body: '<Arn>arn:aws:iam::000000000000:user/operator</Arn>' };
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      received.push({ method: request.method, url: request.url, act: request.headers['x-wardkey-act'], body });
      response.writeHead(answer.status).end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function identify(host = new URL(endpoint).host) {
  return stsCallerIdentity(endpoint).identify({ headers: { host, 'x-wardkey-act': 'act' } });
}

test('sends the headers as they came, with the one body it knows, to the root of the endpoint', async () => {
  expect(await identify()).toBe('arn:aws:iam::000000000000:user/operator');
  expect(received).toEqual([{ method: 'POST', url: '/', act: 'act', body: IDENTITY_BODY }]);
});

test.each(['sts.amazonaws.com', 'evil.example', '127.0.0.1', ''])(
  'a request that was signed for the host "%s" goes nowhere',
  async (host) => {
    expect(await identify(host)).toBeUndefined();
    expect(received).toEqual([]);
  },
);

test('a request without a host goes nowhere', async () => {
  expect(await stsCallerIdentity(endpoint).identify({ headers: {} })).toBeUndefined();
  expect(received).toEqual([]);
});

test.each([
  [403, 'AccessDenied'],
  [400, 'ExpiredToken'],
  [400, 'IncompleteSignature'],
  [403, 'InvalidClientTokenId'],
  [403, 'MissingAuthenticationToken'],
  [403, 'SignatureDoesNotMatch'],
])('names nobody when STS answers %i %s, whatever else it says', async (status, code) => {
  answer = { status, body: `<Error><Code>${code}</Code></Error>${answer.body}` };
  expect(await identify()).toBeUndefined();
});

test('names nobody when STS says that it does not know the signature with the status of a success', async () => {
  answer = { ...answer, body: `<Code>SignatureDoesNotMatch</Code>${answer.body}` };
  expect(await identify()).toBeUndefined();
});

test.each([
  ['is busy', { status: 500, body: '<Arn>arn:aws:iam::000000000000:user/operator</Arn>' }],
  ['throttles with 400', { status: 400, body: '<Error><Code>Throttling</Code></Error>' }],
  ['refuses with 403 and no code', { status: 403, body: '<Arn>arn:aws:iam::000000000000:user/operator</Arn>' }],
  ['says a code like a known one', { status: 403, body: '<Code>NotSignatureDoesNotMatch</Code>' }],
  ['says a known code elsewhere', { status: 400, body: '<Message>AccessDenied</Message><Code>Throttling</Code>' }],
  ['sends elsewhere', { status: 302, body: '<Arn>arn:aws:iam::000000000000:user/operator</Arn>' }],
  ['names no principal', { status: 200, body: '<Arn></Arn>' }],
  ['says nothing', { status: 200, body: '' }],
  ['says too much', { status: 200, body: `${'x'.repeat(70_000)}<Arn>arn</Arn>` }],
])('STS that %s is a fault: the caller is asked for again, not refused', async (_title, unusual) => {
  answer = unusual;
  await expect(identify()).rejects.toMatchObject({ name: 'Fault', code: 'answer-malformed' });
});

test('STS that cannot be reached is an error, not a refusal', async () => {
  const { host } = new URL(endpoint);
  server.close();
  await once(server, 'close');
  await expect(identify(host)).rejects.toThrow();
  server.listen(0);
});
