// Does a device without a certificate wait under its key, in a place where nothing that admits or claims looks?
import { beforeAll, describe, expect, test } from 'vitest';

import { Fault } from '../../../shared/outcome.ts';
import type { ManifestEntry } from '../../../shared/whitelist/formats/format.ts';
import { idClaimKey, keyClaimKey, listingKey, type ListingContext } from '../../../shared/whitelist/listing.ts';
import { parseWaiting, waitFor, waitingKey, type Waiting } from '../../../shared/whitelist/waiting.ts';
import { makeAuthority, makeDevice } from '../../pki/certificates.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const CONTEXT: ListingContext = {
  manufacturer: 'acme',
  product: 'pump',
  lot: 'L1',
  manifest: 'd'.repeat(64),
  signedBy: { signer: 'e'.repeat(64), signedAt: '2026-11-01T00:00:00.000Z' },
  anchors: [],
  line: 2,
  now: NOW,
};
const ENTRY: ManifestEntry = { serial: 'A1', keyFingerprint: 'b'.repeat(64), chain: [] };

let waiting: Waiting;

beforeAll(() => {
  const outcome = waitFor(ENTRY, CONTEXT);
  if (outcome.outcome === 'refused') throw new Error(JSON.stringify(outcome.refusal));
  waiting = outcome.value;
});

test('remembers the device, its key and where the line came from, and no certificate', () => {
  expect(waiting).toEqual({
    version: 1,
    device: 'acme-A1',
    serial: 'A1',
    manufacturer: 'acme',
    product: 'pump',
    lot: 'L1',
    keyFingerprint: 'b'.repeat(64),
    provenance: { manifest: 'd'.repeat(64), line: 2, ...CONTEXT.signedBy, importedAt: NOW },
  });
});

test('of an entry that is signed itself, remembers its signer and not that of the file', () => {
  const signedBy = { signer: 'f'.repeat(64), signedAt: '2026-06-01T20:14:53.773Z' };
  expect(waitFor({ ...ENTRY, signedBy }, CONTEXT)).toMatchObject({ value: { provenance: signedBy } });
});

test.each(['A+1', 'A/1', '../1', ''])(
  'T035 refuses the serial number "%s" before anything is built from it',
  (serial) => {
    expect(waitFor({ ...ENTRY, serial }, CONTEXT)).toMatchObject({ refusal: { reason: 'id-malformed' } });
  },
);

describe('row', () => {
  test('comes back as it was', () => {
    expect(parseWaiting(JSON.parse(JSON.stringify(waiting)))).toEqual(waiting);
  });

  test.each(['version', 'device', 'serial', 'manufacturer', 'product', 'lot', 'keyFingerprint', 'provenance'])(
    'without "%s" is a fault',
    (member) => {
      expect(() => parseWaiting({ ...waiting, [member]: undefined })).toThrow(Fault);
    },
  );

  test.each([{ version: 2 }, { provenance: {} }, { keyFingerprint: 7 }])('with %j is a fault', (change) => {
    expect(() => parseWaiting({ ...waiting, ...change })).toThrow(Fault);
    expect(() => parseWaiting(undefined)).toThrow(Fault);
  });

  test('keeps nothing of a certificate: a device that waits cannot be taken for a listed one', async () => {
    const { certificate } = await makeDevice(await makeAuthority(), 'A1');
    const more = { ...waiting, fingerprint: certificate.fingerprint, certificate: 'AAAA' };
    expect(parseWaiting(more)).toEqual(waiting);
  });

  test('T020 stands apart from listings, ids and keys, in one place for ids that differ by case only', () => {
    const places = [waitingKey, listingKey, idClaimKey, keyClaimKey].map((key) => key('acme-a1').pk);
    expect(new Set(places).size).toBe(4);
    expect(waitingKey('ACME-A1')).toEqual(waitingKey('acme-a1'));
  });
});
