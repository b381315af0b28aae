// Does a trust anchor come back from its row as it was, and nothing else as an anchor?
import { beforeAll, describe, expect, test } from 'vitest';

import {
  anchorClaimKey,
  anchorKey,
  anchorRow,
  authorityKey,
  parseAnchor,
  parseAnchorClaim,
  parseAuthority,
  type Anchor,
} from '../../../shared/identity/anchor.ts';
import { ownerKey } from '../../../shared/identity/owner.ts';
import { Fault } from '../../../shared/outcome.ts';
import { anchorOf, makeAuthority } from '../../pki/certificates.ts';

let anchor: Anchor;
let row: Record<string, unknown>;

beforeAll(async () => {
  anchor = anchorOf(await makeAuthority(), 'authority');
  row = JSON.parse(JSON.stringify(anchorRow(anchor))) as typeof row;
});

const PURPOSES = ['authority', 'root', 'signer', 'voucher'] as const;

test.each(PURPOSES)(
  'an anchor of the purpose "%s" comes back from its row as it was, and so does its claim',
  (purpose) => {
    const { certificate, ...rest } = parseAnchor({ ...row, purpose });
    expect(rest).toEqual({ version: 1, purpose, manufacturer: 'acme' });
    expect(certificate.fingerprint).toBe(anchor.certificate.fingerprint);
    expect(parseAnchorClaim({ version: 1, purpose, manufacturer: 'acme' })).toMatchObject({ purpose });
  },
);

test.each<[string, () => object | undefined]>([
  ['that is not there', () => undefined],
  ['of an unknown purpose', () => ({ ...row, purpose: 'everything' })],
  ['without a purpose', () => ({ ...row, purpose: undefined })],
  ['without a version', () => ({ ...row, version: 0 })],
  ['whose certificate is no base64', () => ({ ...row, certificate: '***' })],
  ['whose certificate cannot be read', () => ({ ...row, certificate: 'AAAA' })],
])('a trust anchor row %s is a fault, never trust', (_title, broken) => {
  expect(() => parseAnchor(broken())).toThrow(Fault);
});

describe('keys', () => {
  test('a certificate has one place for each purpose of each manufacturer, and one claim in all', () => {
    const places = [
      ...PURPOSES.map((purpose) => anchorKey('acme', purpose, 'f1')),
      anchorKey('other', 'signer', 'f1'),
      anchorKey('acme', 'signer', 'f2'),
      anchorClaimKey('f1'),
      authorityKey('f1'),
      ownerKey('acme'),
    ].map((key) => JSON.stringify(key));
    expect(new Set(places).size).toBe(places.length);
  });

  test('an import finds the anchors of a purpose by the beginning of their sort key, and no other purpose', () => {
    for (const purpose of PURPOSES) {
      const found = PURPOSES.filter((other) => anchorKey('acme', other, 'f1').sk.startsWith(`${purpose}#`));
      expect(found).toEqual([purpose]);
    }
  });
});

test.each([{}, { version: 1 }, { version: 1, purpose: 'other', manufacturer: 'acme' }, undefined])(
  'an anchor claim row that is not as written is a fault: %j',
  (broken) => {
    expect(() => parseAnchorClaim(broken)).toThrow(Fault);
  },
);

test.each([{}, { fingerprint: 'f' }, { manufacturer: 'acme' }, { fingerprint: 1, manufacturer: 'acme' }, undefined])(
  'an authority row that is not as written is a fault: %j',
  (broken) => {
    expect(() => parseAuthority(broken)).toThrow(Fault);
  },
);
