// Who is admitted? An owned device whose row is of the very certificate that was verified, and nobody else.
import { describe, expect, test } from 'vitest';

import { verifyFactoryCertificate } from '../../../shared/identity/factory-certificate.ts';
import type { Device } from '../../../shared/lifecycle.ts';
import { claim, deny, markAligned, quarantine, register } from '../../../shared/lifecycle-moves.ts';
import { REASONS } from '../../../shared/reasons.ts';
import { decideAdmission } from '../../../shared/whitelist/admit.ts';
import type { Listing } from '../../../shared/whitelist/listing.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const FINGERPRINT = 'a'.repeat(64);
const VALIDITY = { notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2046-01-01T00:00:00.000Z' };
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
  chain: [{ issuerKey: 'e'.repeat(64), serial: '01', ...VALIDITY }],
  ...VALIDITY,
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
  const known = { fingerprint: LISTING.issuer, manufacturer: 'acme' };
  const presented = { certificateId: FINGERPRINT, authority: { id: 'd'.repeat(64), known } };
  const check = { states: [], listsRequired: false, now: NOW };
  const certificate = verifyFactoryCertificate(presented, LISTING, check);
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

describe('T050 a device whose standing has changed', () => {
  const restrict = { level: 'restricted', cause: 'clone', now: NOW } as const;
  const cut = { ...restrict, level: 'cut' } as const;
  const decide = (device: Device | undefined, listing = LISTING) => decideAdmission(verified(), listing, device, NOW);

  test('is refused in quarantine, curably, whether it was cut or had never been admitted', () => {
    const devices = [
      made(quarantine(owned, cut)),
      made(quarantine(register(owned, NOW), cut)),
      made(quarantine(owned, restrict)),
    ];
    for (const device of devices)
      expect(decide(device)).toEqual({
        outcome: 'refused',
        refusal: { reason: 'quarantined', device: 'acme-A1', level: device.level },
      });
    expect(REASONS.quarantined.kind).toBe('curable');
  });

  test('is repeated when it was restricted after it had been admitted', () => {
    const device = made(quarantine(register(owned, NOW), restrict));
    expect(decide(device)).toEqual({ outcome: 'done', value: { verdict: 'repeated', device } });
  });

  test('is refused for good when it was denied, whatever else speaks against it', () => {
    const denied = made(deny(owned, { cause: 'stolen', now: NOW }));
    for (const listing of [LISTING, { ...LISTING, held: true as const }, { ...LISTING, device: 'acme-A2' }])
      for (const device of [denied, { ...denied, factoryCertificate: 'f'.repeat(64) }])
        expect(decide(device, listing)).toEqual({
          outcome: 'refused',
          refusal: { reason: 'denied', device: 'acme-A1', deniedAt: NOW },
        });
    expect(REASONS.denied.kind).toBe('final');
  });
});

function made<D>(device: D | undefined): D {
  if (device === undefined) throw new Error('expected a legal move');
  return device;
}
