// Does every reason say its sentence, in one form?
import { expect, test } from 'vitest';

import { REASONS } from '../../shared/reasons.ts';

const entries = Object.entries(REASONS);

test.each(entries)('the reason %s has one plain sentence', (reason, { sentence }) => {
  expect(reason).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(sentence).toMatch(/^[a-z].{10,}[^.\s]$/);
});

test('no two reasons say the same', () => {
  const sentences = entries.map(([, { sentence }]) => sentence);
  expect(new Set(sentences).size).toBe(sentences.length);
});

test('what ends a certificate for good at a first connect is final, and nothing else is', () => {
  const atConnect = [
    'not-listed',
    'authority-unknown',
    'authority-differs',
    'certificate-not-yet-valid',
    'certificate-expired',
    'issuer-not-valid',
    'certificate-revoked',
    'crl-stale',
    'crl-unavailable',
    'not-owned',
    'listing-held',
    'another-key',
    'another-certificate',
    'certificate-absent',
    'certificate-unknown',
    'quarantined',
    'denied',
  ] as const;
  const final = atConnect.filter((reason) => REASONS[reason].kind === 'final');
  expect(final).toEqual(['certificate-revoked', 'another-key', 'denied']);
});
