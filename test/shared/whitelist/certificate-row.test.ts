// Is a certificate registered beforehand once, and does only its own row say so?
import { describe, expect, test } from 'vitest';

import { deviceKey } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import {
  awaitRegistration,
  certificateKey,
  markRegistered,
  parseCertificateRow,
} from '../../../shared/whitelist/certificate-row.ts';
import { refusalKey } from '../../../shared/whitelist/refusal.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const ID = 'a'.repeat(64);

test('waits for the broker from its first version on, and no longer once the broker knows it', () => {
  const waiting = awaitRegistration(ID, NOW);
  expect(waiting).toEqual({ version: 1, certificateId: ID, brokerPending: NOW });
  const registered = markRegistered(waiting);
  expect(registered).toEqual({ version: 2, certificateId: ID });
  expect('brokerPending' in registered).toBe(false);
});

describe('row', () => {
  test.each([awaitRegistration(ID, NOW), markRegistered(awaitRegistration(ID, NOW))])(
    'comes back as it was: %j',
    (row) => {
      expect(parseCertificateRow(JSON.parse(JSON.stringify(row)))).toEqual(row);
    },
  );

  test.each([
    undefined,
    {},
    { version: 0, certificateId: ID },
    { version: 1 },
    { version: 1, certificateId: 7 },
    { version: 1, certificateId: ID, brokerPending: 'soon' },
    { version: 1, certificateId: ID, brokerPending: null },
  ])('%j is a fault', (row) => {
    expect(() => parseCertificateRow(row)).toThrow(Fault);
  });

  test('stands beside the refusals of the same certificate, and is no device', () => {
    const keys = [certificateKey(ID), refusalKey(ID, 'not-owned', 0), deviceKey(ID)];
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(keys.length);
    expect(certificateKey(ID).table).toBe('devices'); // where the pending index is
  });
});
