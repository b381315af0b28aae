// Does a chunk bring exactly what the check of the manifest decided of each line?
import { describe, expect, test } from 'vitest';

import { Fault } from '../../../shared/outcome.ts';
import { parseChunk, writeChunk, type ChunkLine } from '../../../shared/whitelist/chunk.ts';
import type { Listing } from '../../../shared/whitelist/listing.ts';
import type { Waiting } from '../../../shared/whitelist/waiting.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const LISTING: Listing = {
  version: 1,
  device: 'acme-A1',
  serial: 'A1\n"ü"',
  manufacturer: 'acme',
  product: 'pump\u2028',
  lot: 'L1',
  path: 'registered',
  certificate: 'AAAA',
  fingerprint: 'a'.repeat(64),
  keyFingerprint: 'b'.repeat(64),
  issuer: 'c'.repeat(64),
  chain: [{ issuerKey: 'd'.repeat(64), serial: '4d01', notBefore: NOW, notAfter: '2046-01-01T00:00:00.000Z' }],
  notBefore: NOW,
  notAfter: '2046-01-01T00:00:00.000Z',
  provenance: { manifest: 'm', line: 2, signer: 's', signedAt: NOW, importedAt: NOW },
};
const { device, serial, manufacturer, product, lot, keyFingerprint, provenance } = LISTING;
const WAITING: Waiting = { version: 1, device, serial, manufacturer, product, lot, keyFingerprint, provenance };
const LINES: readonly ChunkLine[] = [
  { line: 2, verdict: { listing: LISTING } },
  { line: 3, verdict: { refusal: { reason: 'issuer-unknown', manufacturer: 'acme' } } },
  { line: 5, verdict: { listing: { ...LISTING, device: 'acme-A2' } } },
  { line: 6, verdict: { waiting: WAITING } },
];

test.each([0, 1, 2, 3, 4])('%i lines come back as they were, in order', (count) => {
  const lines = LINES.slice(0, count);
  expect(parseChunk(writeChunk(lines))).toEqual(lines);
});

test('one line of text is one line of the chunk, whatever stands in it', () => {
  expect(writeChunk(LINES).split('\n')).toHaveLength(LINES.length + 1);
});

describe('is a fault', () => {
  const good = writeChunk(LINES);

  test.each<[string, string]>([
    ['text that is no JSON', `${good}x`],
    ['a line cut off', good.slice(0, -20)],
    ['a line without a number', '{"refusal":{"reason":"issuer-unknown"}}'],
    ['the line nought', '{"line":0,"refusal":{"reason":"issuer-unknown"}}'],
    ['a line without a verdict', '{"line":2}'],
    ['a refusal without a reason', '{"line":2,"refusal":{}}'],
    ['a listing that is none', '{"line":2,"listing":{"device":"acme-A1"}}'],
    ['a device that waits for nothing', '{"line":2,"waiting":{"device":"acme-A1"}}'],
    ['an array', '[]'],
  ])('%s', (_title, text) => {
    expect(() => parseChunk(text)).toThrow(Fault);
  });
});
