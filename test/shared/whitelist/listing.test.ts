// Does a manifest line become a listing only under the maker's own authority, and the first value stay?
import { beforeAll, describe, expect, test } from 'vitest';

import type { Anchor } from '../../../shared/identity/anchor.ts';
import { Fault } from '../../../shared/outcome.ts';
import {
  compareListing,
  idClaimKey,
  listDevice,
  listingKey,
  parseIdClaim,
  parseListing,
  type Listing,
  type ListingContext,
} from '../../../shared/whitelist/listing.ts';
import type { VerifiedManifest } from '../../../shared/whitelist/signature.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party } from '../../pki/certificates.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const MANIFEST = {
  digest: 'd'.repeat(64),
  manufacturer: 'acme',
  signer: 'e'.repeat(64),
  signedAt: '2026-11-01T00:00:00.000Z',
} as VerifiedManifest;
const HEADER = { format: 'wardkey-manifest/1', manufacturer: 'acme', product: 'pump', lot: 'L1', count: 1 } as const;

let authority: Party;
let device: Party;

beforeAll(async () => {
  authority = await makeAuthority();
  device = await makeDevice(authority, 'A1');
});

function context(authorities: readonly Anchor[]): ListingContext {
  return { manifest: MANIFEST, header: HEADER, authorities, line: 2, now: NOW };
}

function lineOf(party: Party, serial = 'A1') {
  return { serial, certificate: party.der.toString('base64') };
}

function listed(): Listing {
  const listing = listDevice(lineOf(device), context([anchorOf(authority, 'authority')]));
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
      notBefore: device.certificate.notBefore,
      notAfter: device.certificate.notAfter,
      provenance: {
        manifest: MANIFEST.digest,
        line: 2,
        signer: MANIFEST.signer,
        signedAt: MANIFEST.signedAt,
        importedAt: NOW,
      },
    });
  });

  test('finds the authority that issued the certificate among several', async () => {
    const others = [
      await makeAuthority('Acme Root 2'),
      await makeAuthority('Acme Root', { key: 'a twin of Acme Root' }),
    ];
    const anchors = [...others, authority].map((party) => anchorOf(party, 'authority'));
    expect(listDevice(lineOf(device), context(anchors))).toMatchObject({
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
  ])('refuses a certificate when the manufacturer has registered %s', async (_title, anchors) => {
    expect(listDevice(lineOf(device), context(await anchors()))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'issuer-unknown', manufacturer: 'acme' },
    });
  });

  test.each(['A+1', 'A/1', '../1', ''])(
    'T035 refuses the serial number "%s" before anything is built from it',
    (serial) => {
      const listing = listDevice(lineOf(device, serial), context([anchorOf(authority, 'authority')]));
      expect(listing).toMatchObject({ refusal: { reason: 'id-malformed' } });
    },
  );

  test('T036 refuses a certificate with bytes behind it', () => {
    const certificate = Buffer.concat([device.der, Buffer.from([0])]).toString('base64');
    const listing = listDevice({ serial: 'A1', certificate }, context([anchorOf(authority, 'authority')]));
    expect(listing).toMatchObject({ refusal: { reason: 'certificate-malformed' } });
  });
});

describe('compareListing', () => {
  const listing = () => listed();

  test('what nobody listed is new', () => {
    expect(compareListing(listing(), undefined, undefined)).toEqual({ outcome: 'done', value: 'new' });
  });

  test('T001 the same device with the same certificate is unchanged, whatever else its manifest says', () => {
    const { fingerprint } = listing();
    const stored = { ...listing(), lot: 'another', product: 'another' };
    expect(compareListing(listing(), stored, fingerprint)).toEqual({ outcome: 'done', value: 'unchanged' });
  });

  test('T011 a known serial number with another key is refused: the first value stays', () => {
    const { device: id, fingerprint: got } = listing();
    const first = 'f'.repeat(64);
    const refusal = { reason: 'id-taken', device: id, listed: first, got };
    expect(compareListing(listing(), undefined, first)).toEqual({ outcome: 'refused', refusal });
    expect(compareListing(listing(), listing(), first)).toEqual({ outcome: 'refused', refusal });
  });

  test('T011 a known certificate under another serial number is refused: the first value stays', () => {
    const { fingerprint } = listing();
    const refusal = { reason: 'listing-conflict', fingerprint, listed: 'acme-B1', got: 'acme-A1' };
    const stored = { ...listing(), device: 'acme-B1' };
    expect(compareListing(listing(), stored, undefined)).toEqual({ outcome: 'refused', refusal });
  });
});

describe('rows', () => {
  test('a listing comes back from its row as it was', () => {
    expect(parseListing(JSON.parse(JSON.stringify(listed())))).toEqual(listed());
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

  test.each([{ path: 'registered' }, { version: 2 }, { notAfter: 'never' }, { provenance: {} }])(
    'a listing with %j, which this version does not know, is a fault',
    (change) => {
      expect(() => parseListing({ ...listed(), ...change })).toThrow(Fault);
    },
  );

  test('an id names the fingerprint that holds it; anything else is a fault', () => {
    expect(parseIdClaim({ version: 1, fingerprint: 'f' })).toMatchObject({ fingerprint: 'f' });
    expect(() => parseIdClaim({ version: 1 })).toThrow(Fault);
    expect(() => parseIdClaim(undefined)).toThrow(Fault);
  });

  test('no id can name the row of a listing', () => {
    expect(idClaimKey('a'.repeat(64)).pk).not.toBe(listingKey('a'.repeat(64)).pk);
  });
});
