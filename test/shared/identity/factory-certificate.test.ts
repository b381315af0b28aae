// Does the certificate that was presented equal its listing, under the listed authority, now?
import { describe, expect, test } from 'vitest';

import {
  verifyFactoryCertificate,
  type ListedCertificate,
  type PresentedCertificate,
} from '../../../shared/identity/factory-certificate.ts';

const LISTED: ListedCertificate = {
  fingerprint: 'a'.repeat(64),
  issuer: 'c'.repeat(64),
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2026-12-31T23:59:59.000Z',
};
const PRESENTED: PresentedCertificate = {
  certificateId: LISTED.fingerprint,
  authority: { fingerprint: LISTED.issuer, manufacturer: 'acme' },
  authorityId: 'd'.repeat(64),
};
const NOW = '2026-06-01T00:00:00.000Z';

describe('verifyFactoryCertificate', () => {
  test('proves a certificate that equals its listing, under the listed authority, now', () => {
    expect(verifyFactoryCertificate(PRESENTED, LISTED, NOW)).toEqual({
      outcome: 'done',
      value: { certificateId: LISTED.fingerprint },
    });
  });

  test('refuses a certificate that is not the listed one', () => {
    const certificateId = 'b'.repeat(64);
    expect(verifyFactoryCertificate({ ...PRESENTED, certificateId }, LISTED, NOW)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'not-listed', certificateId },
    });
  });

  test('T041 refuses an event that names an authority we never registered', () => {
    expect(verifyFactoryCertificate({ ...PRESENTED, authority: undefined }, LISTED, NOW)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'authority-unknown', authority: PRESENTED.authorityId },
    });
  });

  test('T041 refuses an event that names another authority of ours than the listing was checked against', () => {
    const authority = { fingerprint: 'e'.repeat(64), manufacturer: 'other' };
    expect(verifyFactoryCertificate({ ...PRESENTED, authority }, LISTED, NOW)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'authority-differs', expected: LISTED.issuer, got: authority.fingerprint },
    });
  });

  test.each([
    ['one second before it is valid', '2025-12-31T23:59:59.000Z', 'certificate-not-yet-valid'],
    ['at its first moment', '2026-01-01T00:00:00.000Z', undefined],
    ['at its last moment', '2026-12-31T23:59:59.000Z', undefined],
    ['one second after it was valid', '2027-01-01T00:00:00.000Z', 'certificate-expired'],
  ])('T029 %s (%s): %s', (_title, now, reason) => {
    const verdict = verifyFactoryCertificate(PRESENTED, LISTED, now);
    expect(verdict.outcome === 'refused' ? verdict.refusal.reason : undefined).toBe(reason);
    if (verdict.outcome === 'refused') expect(verdict.refusal).toMatchObject({ now });
  });

  test('T005 a certificate without an end (9999-12-31T23:59:59Z) is valid', () => {
    const endless = { ...LISTED, notAfter: '9999-12-31T23:59:59.000Z' };
    expect(verifyFactoryCertificate(PRESENTED, endless, NOW).outcome).toBe('done');
  });

  test.each(['notBefore', 'notAfter'] as const)('refuses by a listing whose %s cannot be read', (member) => {
    expect(verifyFactoryCertificate(PRESENTED, { ...LISTED, [member]: 'never' }, NOW).outcome).toBe('refused');
  });
});
