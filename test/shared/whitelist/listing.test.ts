// Does a manifest entry become a listing only under the maker's own authority, and the first value stay?
import { beforeAll, describe, expect, test } from 'vitest';

import type { Anchor } from '../../../shared/identity/anchor.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { ManifestEntry } from '../../../shared/whitelist/formats/format.ts';
import {
  compareListing,
  idClaimKey,
  isHeld,
  keyClaimKey,
  listDevice,
  listingKey,
  parseIdClaim,
  parseKeyClaim,
  parseListing,
  releaseListing,
  type Listing,
  type ListingContext,
  type Stored,
} from '../../../shared/whitelist/listing.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party } from '../../pki/certificates.ts';
import { makeIntermediate } from '../../pki/intermediate.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const SIGNED_BY = { signer: 'e'.repeat(64), signedAt: '2026-11-01T00:00:00.000Z' };

let authority: Party;
let device: Party;

beforeAll(async () => {
  authority = await makeAuthority();
  device = await makeDevice(authority, 'A1');
});

function context(anchors: readonly Anchor[]): ListingContext {
  const names = { manufacturer: 'acme', product: 'pump', lot: 'L1', manifest: 'd'.repeat(64) };
  return { ...names, signedBy: SIGNED_BY, anchors, line: 2, now: NOW };
}

function entryOf({ certificate }: Party, wishes: Partial<ManifestEntry> = {}): ManifestEntry {
  return { serial: 'A1', certificate, keyFingerprint: certificate.keyFingerprint, chain: [], ...wishes };
}

function listed(entry = entryOf(device), anchor = anchorOf(authority, 'authority')): Listing {
  const listing = listDevice(entry, context([anchor]));
  if (listing.outcome === 'refused') throw new Error(JSON.stringify(listing.refusal));
  return listing.value;
}

describe('listDevice', () => {
  test('remembers the device, its certificate, the authority behind it and where the line came from', () => {
    expect(listed()).toEqual({
      version: 1,
      device: 'acme-A1',
      serial: 'A1',
      manufacturer: 'acme',
      product: 'pump',
      lot: 'L1',
      path: 'jitr',
      fingerprint: device.certificate.fingerprint,
      keyFingerprint: device.certificate.keyFingerprint,
      issuer: authority.certificate.fingerprint,
      chain: [
        {
          issuerKey: authority.certificate.keyFingerprint,
          serial: device.certificate.x509.serialNumber.toLowerCase(),
          notBefore: device.certificate.notBefore,
          notAfter: device.certificate.notAfter,
        },
      ],
      notBefore: device.certificate.notBefore,
      notAfter: device.certificate.notAfter,
      provenance: { manifest: 'd'.repeat(64), line: 2, ...SIGNED_BY, importedAt: NOW },
    });
  });

  test('under a root that nobody here can register, keeps the certificate itself: it is registered beforehand', async () => {
    const issuer = await makeIntermediate(authority, 'Acme Chips');
    const chip = await makeDevice(issuer, 'A1');
    const listing = listed(entryOf(chip, { chain: [issuer.certificate] }), anchorOf(authority, 'root'));
    expect(listing).toMatchObject({ path: 'registered', issuer: authority.certificate.fingerprint });
    expect(Buffer.from(listing.certificate ?? '', 'base64')).toEqual(chip.der);
  });

  test('remembers every certificate below the anchor, the device first, with the key that signed it', async () => {
    const issuer = await makeIntermediate(authority, 'Acme Pumps');
    const pump = await makeDevice(issuer, 'A1');
    const { chain } = listed(entryOf(pump, { chain: [issuer.certificate] }));
    expect(chain).toEqual(
      [pump, issuer].map(({ certificate }, index) => ({
        issuerKey: [issuer, authority][index]?.certificate.keyFingerprint,
        serial: certificate.x509.serialNumber.toLowerCase(),
        notBefore: certificate.notBefore,
        notAfter: certificate.notAfter,
      })),
    );
  });

  test('T029 names why a path failed, where there was one: a device that has expired', async () => {
    const old = await makeDevice(authority, 'A1', { notAfter: '2026-02-01T00:00:00Z' });
    expect(listDevice(entryOf(old), context([anchorOf(authority, 'authority')]))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'certificate-expired', notAfter: '2026-02-01T00:00:00.000Z', now: NOW },
    });
  });

  test('of an entry that is signed itself, remembers its signer and not that of the file', () => {
    const signedBy = { signer: 'f'.repeat(64), signedAt: '2026-06-01T20:14:53.773Z' };
    expect(listed(entryOf(device, { signedBy })).provenance).toMatchObject(signedBy);
  });

  test('finds the authority that issued the certificate among several', async () => {
    const others = [
      await makeAuthority('Acme Root 2'),
      await makeAuthority('Acme Root', { key: 'a twin of Acme Root' }),
    ];
    const anchors = [...others, authority].map((party) => anchorOf(party, 'authority'));
    expect(listDevice(entryOf(device), context(anchors))).toMatchObject({
      value: { issuer: authority.certificate.fingerprint },
    });
  });

  test.each<[string, () => Promise<Anchor[]>]>([
    ['no authority at all', () => Promise.resolve([])],
    ['another authority only', async () => [anchorOf(await makeAuthority('Other Root'), 'authority')]],
    [
      'T003 an authority of the same name',
      async () => [anchorOf(await makeAuthority('Acme Root', { key: 'twin' }), 'authority')],
    ],
    ['the signer of the manifest', async () => [anchorOf(await makeSigner(), 'authority')]],
    ['the certificate itself', () => Promise.resolve([anchorOf(device, 'authority')])],
    ['its authority as a signer only', () => Promise.resolve([anchorOf(authority, 'signer')])],
    ['its authority as a voucher key only', () => Promise.resolve([anchorOf(authority, 'voucher')])],
    ['T013 the authority of another maker', () => Promise.resolve([anchorOf(authority, 'authority', 'other')])],
  ])('refuses a certificate when the manufacturer has registered %s', async (_title, anchors) => {
    expect(listDevice(entryOf(device), context(await anchors()))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'issuer-unknown', manufacturer: 'acme' },
    });
  });

  test('refuses an entry without a certificate: its device waits for one', () => {
    const { certificate: _none, ...bare } = entryOf(device);
    expect(listDevice(bare, context([anchorOf(authority, 'authority')]))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'certificate-absent', device: 'acme-A1' },
    });
  });

  test.each(['A+1', 'A/1', '../1', ''])(
    'T035 refuses the serial number "%s" before anything is built from it',
    (serial) => {
      const listing = listDevice(entryOf(device, { serial }), context([anchorOf(authority, 'authority')]));
      expect(listing).toMatchObject({ refusal: { reason: 'id-malformed' } });
    },
  );
});

describe('compareListing', () => {
  const stored = (wishes: Partial<Stored> = {}): Stored => ({
    listing: undefined,
    claimedBy: undefined,
    keyOf: undefined,
    ...wishes,
  });
  const whole = (listing: Listing): Stored => ({ listing, claimedBy: listing.fingerprint, keyOf: listing.device });

  test('what nobody listed is new', () => {
    expect(compareListing(listed(), stored())).toEqual({ outcome: 'done', value: 'new' });
  });

  test('T001 the same device with the same certificate is unchanged, whatever else its manifest says', () => {
    for (const change of [{}, { lot: 'another', product: 'another' }, { held: true }, { version: 2 }] as const)
      expect(compareListing(listed(), whole({ ...listed(), ...change }))).toEqual({
        outcome: 'done',
        value: 'unchanged',
      });
  });

  test('T011 a known serial number with another key is refused: the first value stays', () => {
    const { device: id, fingerprint: got } = listed();
    const first = 'f'.repeat(64);
    const refusal = { reason: 'id-taken', device: id, listed: first, got };
    for (const known of [stored({ claimedBy: first }), { ...whole(listed()), claimedBy: first }])
      expect(compareListing(listed(), known)).toEqual({ outcome: 'refused', refusal });
  });

  test('T011 a known certificate under another serial number is refused: the first value stays', () => {
    const { fingerprint } = listed();
    const refusal = { reason: 'listing-conflict', fingerprint, listed: 'acme-B1', got: 'acme-A1' };
    const other = { ...listed(), device: 'acme-B1' };
    expect(compareListing(listed(), stored({ listing: other }))).toEqual({ outcome: 'refused', refusal });
  });

  test('T012 a known public key under another serial number is refused, whatever the certificates say', () => {
    const { keyFingerprint: got } = listed();
    const refusal = { reason: 'key-taken', device: 'acme-A1', listed: 'acme-B1', got };
    const other = { ...listed(), device: 'acme-B1' };
    for (const known of [stored({ keyOf: 'acme-B1' }), { ...whole(other), claimedBy: undefined }])
      expect(compareListing(listed(), known)).toEqual({ outcome: 'refused', refusal });
  });
});

describe('held', () => {
  const held = (): Listing => ({ ...listed(), held: true });

  test('T014 only a listing that says so is held, and none after its release, which is a version of its own', () => {
    expect([listed(), held(), releaseListing(held())].map(isHeld)).toEqual([false, true, false]);
    expect(releaseListing(held())).toEqual({ ...listed(), version: 2 });
    expect('held' in releaseListing(held())).toBe(false);
  });
});

describe('rows', () => {
  test.each<[string, () => Listing]>([
    ['a listing', listed],
    ['one that is held', () => ({ ...listed(), held: true })],
    ['one that was released', () => releaseListing({ ...listed(), held: true })],
    ['one with its certificate', () => listed(entryOf(device), anchorOf(authority, 'root'))],
  ])('%s comes back from its row as it was', (_title, listing) => {
    expect(parseListing(JSON.parse(JSON.stringify(listing())))).toEqual(listing());
  });

  test.each([
    'version',
    'device',
    'serial',
    'manufacturer',
    'product',
    'lot',
    'path',
    'fingerprint',
    'keyFingerprint',
    'issuer',
    'notBefore',
    'notAfter',
    'provenance',
  ])('a listing without "%s" is a fault', (member) => {
    expect(() => parseListing({ ...listed(), [member]: undefined })).toThrow(Fault);
  });

  test.each([
    { path: 'dpp' },
    { version: 0 },
    { notAfter: 'never' },
    { provenance: {} },
    { certificate: '***' },
    { held: false },
    { held: null },
    { held: 'no' },
  ])('a listing with %j, which this version does not know, is a fault', (change) => {
    expect(() => parseListing({ ...listed(), ...change })).toThrow(Fault);
  });

  test('an id names the fingerprint that holds it, or none while its device waits; anything else is a fault', () => {
    expect(parseIdClaim({ version: 1, fingerprint: 'f' })).toEqual({ version: 1, fingerprint: 'f' });
    expect(parseIdClaim({ version: 1 })).toEqual({ version: 1 });
    for (const row of [{}, { fingerprint: 'f' }, { version: 0 }, { version: 1, fingerprint: 7 }, undefined])
      expect(() => parseIdClaim(row)).toThrow(Fault);
  });

  test('a key names the device that holds it; anything else is a fault', () => {
    expect(parseKeyClaim({ version: 1, device: 'acme-A1' })).toMatchObject({ device: 'acme-A1' });
    for (const row of [{ version: 1 }, { version: 1, device: 7 }, undefined])
      expect(() => parseKeyClaim(row)).toThrow(Fault);
  });

  test('T020 ids that differ by case only have one reservation: the first holds both', () => {
    const ids = ['acme-a1', 'acme-A1', 'ACME-a1', 'acme-A2'].map((id) => idClaimKey(id).pk);
    expect(new Set(ids).size).toBe(2);
    expect(ids[3]).not.toBe(ids[0]);
  });

  test('T020 a serial number of another case is taken, and keeps its own case where it is first', () => {
    const other = listed(entryOf(device, { serial: 'a1' }));
    expect(other.device).toBe('acme-a1');
    const claimedBy = 'f'.repeat(64);
    expect(compareListing(other, { listing: undefined, claimedBy, keyOf: undefined })).toMatchObject({
      refusal: { reason: 'id-taken', device: 'acme-a1' },
    });
    // The very certificate again, under the id in another case, is another device with the same key.
    expect(compareListing(other, { listing: listed(), claimedBy: other.fingerprint, keyOf: 'acme-A1' })).toMatchObject({
      refusal: { reason: 'key-taken', listed: 'acme-A1', got: other.keyFingerprint },
    });
  });

  test('no id and no key can name the row of a listing, and neither the other', () => {
    const same = 'a'.repeat(64);
    const places = [listingKey(same), idClaimKey(same), keyClaimKey(same)].map(({ pk }) => pk);
    expect(new Set(places).size).toBe(3);
  });
});
