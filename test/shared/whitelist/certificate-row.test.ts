// Does the row of a certificate say what the broker is to show of it, from when on, and whether it was seen to?
import { describe, expect, test } from 'vitest';

import { deviceKey } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import {
  certificateKey,
  isRevoked,
  markMatched,
  parseCertificateRow,
  removal,
  wish,
} from '../../../shared/whitelist/certificate-row.ts';
import { cloneKey, refusalKey } from '../../../shared/whitelist/refusal.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const LATER = '2026-12-24T12:00:00.000Z';
const ID = 'a'.repeat(64);

const known = wish({ certificateId: ID, wanted: 'known', since: NOW }, undefined);
const matched = markMatched(known, LATER);

describe('a wish', () => {
  test('makes the first version, and is pending from its time on', () => {
    expect(known).toEqual({ version: 1, certificateId: ID, wanted: 'known', brokerPending: NOW });
  });

  test('over another counts one version, and remembers when the broker was last seen to match', () => {
    expect(wish({ certificateId: ID, wanted: 'revoked', since: LATER }, matched)).toEqual({
      version: 3,
      certificateId: ID,
      wanted: 'revoked',
      brokerPending: LATER,
      alignedAt: LATER,
    });
    expect(wish({ certificateId: ID, wanted: 'revoked', since: LATER }, known)).not.toHaveProperty('alignedAt');
  });

  test('that the broker was seen to match is pending no longer', () => {
    expect(matched).toEqual({ version: 2, certificateId: ID, wanted: 'known', alignedAt: LATER });
  });
});

test('an operational certificate that has ended is to go at once, and remembers whose it was also when it is gone', () => {
  const row = removal(ID, 'acme-A1', NOW);
  expect(row).toEqual({ version: 1, certificateId: ID, wanted: 'removed', device: 'acme-A1', brokerPending: NOW });
  expect(markMatched(row, LATER)).toEqual({
    ...{ version: 2, certificateId: ID, wanted: 'removed', device: 'acme-A1' },
    alignedAt: LATER,
  });
  expect(isRevoked(row)).toBe(false);
});

test('only a certificate that was refused for good is revoked', () => {
  const rows = (['known', 'absent', 'revoked'] as const).map((wanted) =>
    wish({ certificateId: ID, wanted, since: NOW }, undefined),
  );
  expect([undefined, ...rows].map(isRevoked)).toEqual([false, false, false, true]);
  expect(isRevoked(markMatched(wish({ certificateId: ID, wanted: 'revoked', since: NOW }, known), NOW))).toBe(true);
});

describe('row', () => {
  test.each([
    known,
    matched,
    wish({ certificateId: ID, wanted: 'absent', since: LATER }, matched),
    removal(ID, 'acme-A1', NOW),
  ])('comes back as it was: %j', (row) => {
    expect(parseCertificateRow(JSON.parse(JSON.stringify(row)))).toEqual(row);
  });

  test.each([
    undefined,
    {},
    { ...known, version: 0 },
    { ...known, certificateId: 7 },
    { ...known, certificateId: undefined },
    { ...known, wanted: undefined },
    { ...known, wanted: 'active' },
    { ...known, device: 7 },
    { ...known, brokerPending: 'soon' },
    { ...known, brokerPending: null },
    { ...known, alignedAt: 'yesterday' },
  ])('%j is a fault', (row) => {
    expect(() => parseCertificateRow(row)).toThrow(Fault);
  });

  test('stands beside the refusals of the same certificate, and is no device and no clone', () => {
    const keys = [certificateKey(ID), refusalKey(ID, 'not-owned', 0), deviceKey(ID), cloneKey(ID, ID)];
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(keys.length);
    expect(certificateKey(ID).table).toBe('devices'); // where the pending index is
  });
});
