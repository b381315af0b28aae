// Who is admitted? An owned device whose row is of the very certificate that was verified, and nobody else.
import { expect, test } from 'vitest';

import { verifyFactoryCertificate } from '../../../shared/identity/factory-certificate.ts';
import { claim, markAligned, register } from '../../../shared/lifecycle.ts';
import { decideAdmission } from '../../../shared/whitelist/admit.ts';
import type { Listing } from '../../../shared/whitelist/listing.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const FINGERPRINT = 'a'.repeat(64);
const LISTING: Listing = {
  version: 1,
  device: 'acme-A1',
  serial: 'A1',
  manufacturer: 'acme',
  product: 'pump',
  lot: 'L1',
  path: 'jitr',
  fingerprint: FINGERPRINT,
  keyFingerprint: 'b'.repeat(64),
  issuer: 'c'.repeat(64),
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2046-01-01T00:00:00.000Z',
  provenance: { manifest: 'm', line: 2, signer: 's', signedAt: NOW, importedAt: NOW },
};
const owned = claim({
  id: 'acme-A1',
  manufacturer: 'acme',
  path: 'jitr',
  factoryCertificate: FINGERPRINT,
  owner: 'clinic',
  now: '2026-11-20T00:00:00.000Z',
});

function verified() {
  const authority = { fingerprint: LISTING.issuer, manufacturer: 'acme' };
  const presented = { certificateId: FINGERPRINT, authority, authorityId: 'd'.repeat(64) };
  const certificate = verifyFactoryCertificate(presented, LISTING, NOW);
  if (certificate.outcome === 'refused') throw new Error(JSON.stringify(certificate.refusal));
  return certificate.value;
}

test('admits an owned device at its first connect', () => {
  expect(decideAdmission(verified(), LISTING, owned, NOW)).toEqual({
    outcome: 'done',
    value: { verdict: 'admitted', device: register(owned, NOW) },
  });
});

test('a device that was admitted before is repeated, as it is', () => {
  for (const device of [register(owned, NOW), markAligned(register(owned, NOW), NOW)]) {
    expect(decideAdmission(verified(), LISTING, device, NOW)).toEqual({
      outcome: 'done',
      value: { verdict: 'repeated', device },
    });
  }
});

test('T014 refuses a device that is held, whoever owns it and however often it was admitted', () => {
  const held: Listing = { ...LISTING, held: true };
  for (const device of [undefined, owned, register(owned, NOW)]) {
    expect(decideAdmission(verified(), held, device, NOW)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'listing-held', device: 'acme-A1' },
    });
  }
});

test('refuses a device that nobody owns', () => {
  expect(decideAdmission(verified(), LISTING, undefined, NOW)).toEqual({
    outcome: 'refused',
    refusal: { reason: 'not-owned', device: 'acme-A1' },
  });
});

test.each(['owned', 'registered'])('T024 refuses a certificate that is not the one of the %s device row', (state) => {
  const other = { ...owned, factoryCertificate: 'f'.repeat(64) };
  const device = state === 'owned' ? other : register(other, NOW);
  expect(decideAdmission(verified(), LISTING, device, NOW)).toEqual({
    outcome: 'refused',
    refusal: { reason: 'not-listed', certificateId: FINGERPRINT },
  });
});
