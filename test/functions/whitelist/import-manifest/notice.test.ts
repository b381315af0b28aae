// Which deliveries does the import answer? Signatures in a maker's own folder, in the version that S3 reported.
import { expect, test } from 'vitest';

import { parseDelivery } from '../../../../functions/whitelist/import-manifest/notice.ts';

const KEY = 'manifests/acme/lot-7.jsonl.jws';

test('reads where the signature and its manifest are, and who put them there', () => {
  expect(parseDelivery(event(KEY, { requester: '123456789012' }))).toEqual({
    outcome: 'done',
    value: {
      signatureKey: KEY,
      signatureVersion: 'v1',
      manifestKey: 'manifests/acme/lot-7.jsonl',
      manufacturer: 'acme',
      deliveredBy: '123456789012',
    },
  });
});

test('leaves the version open where none is told', () => {
  const answer = parseDelivery(JSON.stringify({ detail: { object: { key: KEY } } }));
  expect(answer.outcome === 'done' && 'signatureVersion' in answer.value).toBe(false);
});

test('says "unknown" where S3 names no requester', () => {
  expect(parseDelivery(event(KEY))).toMatchObject({ value: { deliveredBy: 'unknown' } });
});

test.each([
  'manifests/acme/lot-7.jsonl',
  'manifests/acme/.jws',
  'manifests/lot-7.jsonl.jws',
  'manifests/acme/../bravo/lot-7.jsonl.jws',
  'manifests/acme/sub/lot-7.jsonl.jws',
  'manifests//lot-7.jsonl.jws',
  'manifests/ACME/lot-7.jsonl.jws',
  'manifests/../lot-7.jsonl.jws',
  'manifests/a/lot-7.jsonl.jws',
  'reports/acme/lot-7.jsonl.jws',
  'manifests/acme/lot 7.jsonl.jws',
  'manifests/acme/lot-7.jsonl.jws\n',
  `manifests/acme/${'a'.repeat(1024)}.jws`,
])('T019 refuses the key "%s": no name climbs into another folder', (key) => {
  expect(parseDelivery(event(key))).toMatchObject({ outcome: 'refused', refusal: { reason: 'delivery-malformed' } });
});

test.each([
  '',
  '{}',
  '[]',
  'null',
  '{"detail":{}}',
  JSON.stringify({ detail: { object: { key: KEY, 'version-id': '' } } }),
  JSON.stringify({ detail: { object: { key: [KEY], 'version-id': 'v1' } } }),
])('refuses "%s" as a delivery', (body) => {
  expect(parseDelivery(body)).toMatchObject({ outcome: 'refused', refusal: { reason: 'delivery-malformed' } });
});

function event(key: string, more: object = {}): string {
  return JSON.stringify({
    'detail-type': 'Object Created',
    detail: { object: { key, 'version-id': 'v1', size: 1 }, ...more },
  });
}
