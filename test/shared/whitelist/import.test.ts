// Where does an import stand, how far is it, and does it come back only as it was?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Fault } from '../../../shared/outcome.ts';
import {
  addCounts,
  chunkKey,
  chunkObject,
  CHUNKS,
  importKey,
  importPartition,
  noCounts,
  parseChunkRow,
  parseImport,
  reportKey,
  resultObject,
  type StoredImport,
  type VerifiedImport,
} from '../../../shared/whitelist/import.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const DELIVERY = { signatureKey: 'manifests/acme/lot.jsonl.jws', signatureVersion: 'v1' };
const VERIFIED: VerifiedImport = {
  manifestKey: 'manifests/acme/lot.jsonl',
  manifestVersion: 'v1',
  manifest: 'a'.repeat(64),
  format: 'wardkey',
  manufacturer: 'acme',
  product: 'pump',
  lot: 'L1',
  signer: 'b'.repeat(64),
  signedAt: NOW,
  importedAt: NOW,
  deliveredBy: 'factory',
  chunks: 3,
};
const IMPORT: StoredImport = { version: 1, decision: 'verified', verified: VERIFIED };

describe('keys', () => {
  const deliveries = [
    DELIVERY,
    { ...DELIVERY, signatureVersion: 'v2' },
    { ...DELIVERY, signatureKey: 'manifests/other/lot.jsonl.jws' },
  ];

  test('each version of each key is an import of its own, with chunks and objects of its own', () => {
    const places = deliveries.flatMap((delivery) => [
      JSON.stringify(importKey(delivery)),
      ...[1, 2].flatMap((chunk) => [
        JSON.stringify(chunkKey(delivery, chunk)),
        chunkObject(delivery, { chunk, digest: 'd' }),
        resultObject(delivery, chunk),
      ]),
    ]);
    expect(new Set(places).size).toBe(deliveries.length * 7);
  });

  test('the chunks of an import are listed by its partition and their prefix, in order of their numbers', () => {
    const keys = [1, 2, 9, 10, 99, 100, 10_000].map((chunk) => chunkKey(DELIVERY, chunk));
    for (const { pk, sk } of keys) expect([pk, sk.startsWith(CHUNKS)]).toEqual([importPartition(DELIVERY), true]);
    expect(keys.map(({ sk }) => sk).sort()).toEqual(keys.map(({ sk }) => sk));
    expect(importKey(DELIVERY).sk.startsWith(CHUNKS)).toBe(false);
  });

  test('objects of chunks stand under imports/, where nothing that arrives is looked for, whatever a delivery names', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 1_000_000 }), (key, version, chunk) => {
        const delivery = { signatureKey: key, signatureVersion: version };
        expect(chunkObject(delivery, { chunk, digest: 'd0' })).toMatch(/^imports\/[0-9a-f]{40}\/\d{6,7}-d0\.jsonl$/);
        expect(resultObject(delivery, chunk)).toMatch(/^imports\/[0-9a-f]{40}\/\d{6,7}\.result\.jsonl$/);
      }),
    );
  });

  test('a chunk carries its digest in its name: other bytes are another object', () => {
    const [first, second] = ['d1', 'd2'].map((digest) => chunkObject(DELIVERY, { chunk: 1, digest }));
    expect(first).not.toBe(second);
  });

  test('a report stands beside its manifest, and ends as no delivery does', () => {
    expect(reportKey('manifests/acme/lot.json')).toBe('manifests/acme/lot.json.report');
  });
});

describe('counts', () => {
  const some = fc.nat(500);
  const counts = fc.record({ accepted: some, held: some, waiting: some, unchanged: some, refused: some });

  test('of chunks add up, each result by itself', () => {
    fc.assert(
      fc.property(fc.array(counts), (all) => {
        for (const name of ['accepted', 'held', 'waiting', 'unchanged', 'refused'] as const)
          expect(addCounts(all)[name]).toBe(all.reduce((sum, one) => sum + one[name], 0));
      }),
    );
  });

  test('of nothing are nought, and a new object each time', () => {
    expect(addCounts([])).toEqual(noCounts());
    expect(Object.values(noCounts())).toEqual([0, 0, 0, 0, 0]);
    expect(noCounts()).not.toBe(noCounts());
  });

  test('come back from the row of a chunk', () => {
    fc.assert(
      fc.property(counts, (value) => {
        expect(parseChunkRow({ version: 1, counts: value })).toEqual(value);
      }),
    );
  });

  test.each([undefined, {}, { version: 2, counts: noCounts() }, { version: 1, counts: { accepted: 1 } }])(
    'a chunk row that is not as written is a fault: %j',
    (row) => {
      expect(() => parseChunkRow(row)).toThrow(Fault);
    },
  );
});

describe('row', () => {
  test.each([IMPORT, { ...IMPORT, decision: 'imported' }, { version: 2, decision: 'lot-unknown' }])(
    'comes back as it was: %j',
    (row) => {
      expect(parseImport(JSON.parse(JSON.stringify(row)))).toEqual(row);
    },
  );

  test.each([undefined, { version: 1 }, { ...IMPORT, version: 0 }, { ...IMPORT, decision: true }])(
    'that is not as written is a fault: %j',
    (row) => {
      expect(() => parseImport(row)).toThrow(Fault);
    },
  );

  test.each(Object.keys(VERIFIED))('whose verdict lacks "%s" is a fault', (member) => {
    expect(() => parseImport({ ...IMPORT, verified: { ...VERIFIED, [member]: undefined } })).toThrow(Fault);
  });

  test.each([{ chunks: 0 }, { importedAt: 'today' }, { signedAt: '' }])(
    'whose verdict says %j is a fault',
    (change) => {
      expect(() => parseImport({ ...IMPORT, verified: { ...VERIFIED, ...change } })).toThrow(Fault);
    },
  );
});
