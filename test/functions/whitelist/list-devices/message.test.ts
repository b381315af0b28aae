// What is `list-devices` asked, and what is no question to it?
import { expect, test } from 'vitest';

import { parseChunkRequest } from '../../../../functions/whitelist/list-devices/message.ts';

const REQUEST = {
  signatureKey: 'manifests/acme/lot-7.jsonl.jws',
  signatureVersion: 'v1',
  chunk: 1,
  digest: 'a'.repeat(64),
};

test('reads the chunk to list', () => {
  expect(parseChunkRequest(JSON.stringify(REQUEST))).toEqual({ outcome: 'done', value: REQUEST });
});

test.each<object>([
  { chunk: 0 },
  { chunk: 1.5 },
  { chunk: 1_000_001 },
  { chunk: '1' },
  { digest: 'A'.repeat(64) },
  { digest: 'a'.repeat(63) },
  { digest: undefined },
  { signatureKey: '' },
  { signatureVersion: '' },
  { listing: { held: false } },
])('refuses %j as a request', (wrong) => {
  expect(parseChunkRequest(JSON.stringify({ ...REQUEST, ...wrong }))).toMatchObject({
    outcome: 'refused',
    refusal: { reason: 'request-malformed' },
  });
});

test.each(['', '[]', 'null', '{}', '{"sweep":true}'])('refuses "%s" as a request', (body) => {
  expect(parseChunkRequest(body)).toMatchObject({ refusal: { reason: 'request-malformed' } });
});
