// Which deliveries does the import answer? What completes one, in a maker's own folder, in the version that S3 reported.
import { describe, expect, test } from 'vitest';

import { parseDelivery } from '../../../../functions/whitelist/import-manifest/notice.ts';

const KEY = 'manifests/acme/lot-7.jsonl.jws';

describe('a delivery is', () => {
  test('a signature, whose manifest lies beside it', () => {
    expect(parseDelivery(event(KEY, { requester: '123456789012' }))).toMatchObject({
      outcome: 'done',
      value: {
        signatureKey: KEY,
        signatureVersion: 'v1',
        manifestKey: 'manifests/acme/lot-7.jsonl',
        format: { name: 'wardkey' },
        name: 'lot-7',
        manufacturer: 'acme',
        deliveredBy: '123456789012',
      },
    });
  });

  test('a manifest whose entries are signed one by one: it is its own signature', () => {
    expect(parseDelivery(event('manifests/mchp/0301-9912.v2.json'))).toMatchObject({
      outcome: 'done',
      value: {
        signatureKey: 'manifests/mchp/0301-9912.v2.json',
        manifestKey: 'manifests/mchp/0301-9912.v2.json',
        format: { name: 'microchip' },
        name: '0301-9912.v2',
        manufacturer: 'mchp',
      },
    });
  });

  test.each([
    'manifests/acme/lot-7.jsonl',
    'manifests/acme/lot-7.csv',
    'manifests/acme/lot-7.pem',
    'manifests/mchp/lot-7.json.jws',
  ])('not complete with "%s": signed where its format is not, or not signed yet', (key) => {
    expect(parseDelivery(event(key))).toMatchObject({ outcome: 'refused', refusal: { reason: 'delivery-malformed' } });
  });

  test.each([
    'manifests/acme/lot-7.zip.jws',
    'manifests/acme/lot-7.exe',
    'manifests/acme/lot-7.jsonl.report',
    'manifests/acme/lot-7.JSON.jws',
  ])('none when no format has files called "%s"', (key) => {
    expect(parseDelivery(event(key))).toMatchObject({ outcome: 'refused', refusal: { reason: 'format-unknown' } });
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
  'manifests/acme/.jws',
  'manifests/lot-7.jsonl.jws',
  'manifests/acme/../bravo/lot-7.jsonl.jws',
  'manifests/acme/sub/lot-7.jsonl.jws',
  'manifests//lot-7.jsonl.jws',
  'manifests/ACME/lot-7.jsonl.jws',
  'manifests/../lot-7.jsonl.jws',
  'manifests/a/lot-7.jsonl.jws',
  'reports/acme/lot-7.jsonl.jws',
  'imports/acme/000001.jsonl.jws',
  'manifests/acme/lot 7.jsonl.jws',
  'manifests/acme/lot-7.jsonl.jws\n',
  'manifests/mchp/lot-7.json\n',
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
