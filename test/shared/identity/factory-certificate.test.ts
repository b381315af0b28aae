// Does the certificate that was presented equal its listing, under the listed authority, now?
import { describe, expect, test } from 'vitest';

import {
  verifyFactoryCertificate,
  type CertificateCheck,
  type ListedCertificate,
  type PresentedCertificate,
} from '../../../shared/identity/factory-certificate.ts';
import type { ChainLink } from '../../../shared/identity/revocation.ts';

const ISSUER = 'c'.repeat(64);
const OWN = link('11', '2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.000Z');
const ABOVE = link('22', '2025-01-01T00:00:00.000Z', '2026-09-30T23:59:59.000Z');
const LISTED: ListedCertificate = { fingerprint: 'a'.repeat(64), issuer: ISSUER, path: 'jitr', chain: [OWN] };
const AUTHORITY = { id: 'd'.repeat(64), known: { fingerprint: ISSUER, manufacturer: 'acme' } };
const PRESENTED: PresentedCertificate = { certificateId: LISTED.fingerprint, authority: AUTHORITY };
const NOW = '2026-06-01T00:00:00.000Z';

describe('verifyFactoryCertificate', () => {
  test('proves a certificate that equals its listing, under the listed authority, now', () => {
    expect(verifyFactoryCertificate(PRESENTED, LISTED, check(NOW))).toEqual({
      outcome: 'done',
      value: { certificateId: LISTED.fingerprint },
    });
  });

  test('refuses a certificate that is not the listed one', () => {
    const certificateId = 'b'.repeat(64);
    expect(verifyFactoryCertificate({ ...PRESENTED, certificateId }, LISTED, check(NOW))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'not-listed', certificateId },
    });
  });

  test('T041 refuses an event that names an authority we never registered', () => {
    const authority = { id: AUTHORITY.id, known: undefined };
    expect(verifyFactoryCertificate({ ...PRESENTED, authority }, LISTED, check(NOW))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'authority-unknown', authority: AUTHORITY.id },
    });
  });

  test('T041 refuses an event that names another authority of ours than the listing was checked against', () => {
    const fingerprint = 'e'.repeat(64);
    const authority = { ...AUTHORITY, known: { fingerprint, manufacturer: 'other' } };
    expect(verifyFactoryCertificate({ ...PRESENTED, authority }, LISTED, check(NOW))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'authority-differs', expected: ISSUER, got: fingerprint },
    });
  });

  test('only a certificate that we registered ourselves comes without an authority', () => {
    const bare = { certificateId: LISTED.fingerprint };
    expect(verifyFactoryCertificate(bare, { ...LISTED, path: 'registered' }, check(NOW)).outcome).toBe('done');
    expect(verifyFactoryCertificate(bare, LISTED, check(NOW))).toEqual({
      outcome: 'refused',
      refusal: { reason: 'authority-unknown', authority: 'none' },
    });
  });

  test('T040 refuses a certificate that its maker has taken back, before it asks for the time', () => {
    const revoked = { version: 1, revokedAt: NOW, list: 'f'.repeat(64) } as const;
    const states = [{ link: OWN, list: undefined, revoked }];
    const verdict = verifyFactoryCertificate(PRESENTED, LISTED, { ...check('2027-01-01T00:00:00.000Z'), states });
    expect(verdict).toMatchObject({ refusal: { reason: 'certificate-revoked', serial: OWN.serial } });
  });

  test('T040 refuses a certificate whose list is required and missing', () => {
    const states = [{ link: OWN, list: undefined, revoked: undefined }];
    const verdict = verifyFactoryCertificate(PRESENTED, LISTED, { ...check(NOW), states, listsRequired: true });
    expect(verdict).toMatchObject({ refusal: { reason: 'crl-unavailable', issuer: OWN.issuerKey } });
  });

  test.each([
    ['one second before it is valid', '2025-12-31T23:59:59.000Z', 'certificate-not-yet-valid'],
    ['at its first moment', '2026-01-01T00:00:00.000Z', undefined],
    ['at its last moment', '2026-12-31T23:59:59.000Z', undefined],
    ['one second after it was valid', '2027-01-01T00:00:00.000Z', 'certificate-expired'],
  ])('T029 %s (%s): %s', (_title, now, reason) => {
    const verdict = verifyFactoryCertificate(PRESENTED, LISTED, check(now));
    expect(verdict.outcome === 'refused' ? verdict.refusal.reason : undefined).toBe(reason);
    if (verdict.outcome === 'refused') expect(verdict.refusal).toMatchObject({ now });
  });

  test.each([
    ['at the last moment of an issuer below the anchor', '2026-09-30T23:59:59.000Z', undefined],
    ['one second after an issuer below the anchor was valid', '2026-10-01T00:00:00.000Z', 'issuer-not-valid'],
  ])('T029 %s (%s): %s', (_title, now, reason) => {
    const verdict = verifyFactoryCertificate(PRESENTED, { ...LISTED, chain: [OWN, ABOVE] }, check(now));
    expect(verdict.outcome === 'refused' ? verdict.refusal.reason : undefined).toBe(reason);
    if (verdict.outcome === 'refused') expect(verdict.refusal).toMatchObject({ issuer: ABOVE.serial, now });
  });

  test('T029 refuses under an issuer that is not valid yet', () => {
    const chain = [OWN, { ...ABOVE, notBefore: '2026-07-01T00:00:00.000Z' }];
    expect(verifyFactoryCertificate(PRESENTED, { ...LISTED, chain }, check(NOW))).toMatchObject({
      refusal: { reason: 'issuer-not-valid' },
    });
  });

  test('T005 a certificate without an end (9999-12-31T23:59:59Z) is valid', () => {
    const chain = [{ ...OWN, notAfter: '9999-12-31T23:59:59.000Z' }];
    expect(verifyFactoryCertificate(PRESENTED, { ...LISTED, chain }, check(NOW)).outcome).toBe('done');
  });

  test.each(['notBefore', 'notAfter'] as const)('refuses by a listing whose %s cannot be read', (member) => {
    const unread = [{ ...OWN, [member]: 'never' }];
    const above = [OWN, { ...ABOVE, [member]: 'never' }];
    for (const chain of [unread, above, []])
      expect(verifyFactoryCertificate(PRESENTED, { ...LISTED, chain }, check(NOW)).outcome).toBe('refused');
  });
});

function link(serial: string, notBefore: string, notAfter: string): ChainLink {
  return { issuerKey: serial.repeat(32), serial, notBefore, notAfter };
}

function check(now: string): CertificateCheck {
  return { states: [], listsRequired: false, now };
}
