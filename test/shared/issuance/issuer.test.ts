// May this certificate issue others?
import { describe, expect, test } from 'vitest';

import { readIssuer } from '../../../shared/issuance/issuer.ts';
import {
  basic,
  craft,
  craftAuthority,
  craftDevice,
  extension,
  keyIds,
  keysOf,
  keyUsage,
  spkiOf,
} from '../../pki/crafted.ts';
import { tlv } from '../../pki/der.ts';
import { issuerOf, makeAuthorities } from './orders.ts';

const keys = keysOf('Ward CA');
const ids = keyIds(keys, keys);

function ask(...extensions: readonly Buffer[]) {
  return readIssuer(craft({ name: 'Ward CA', extensions }).certificate);
}

describe('an issuer', () => {
  test('is an authority, and says how those that it issues name it', () => {
    const { certificate, subject } = craftAuthority({ name: 'Ward CA', pathLength: 0 });
    const { keyId, ...issuer } = issuerOf(certificate);
    expect(issuer).toEqual({
      certificate,
      algorithm: 'ES256',
      publicKey: spkiOf(keys),
      name: subject,
      pathLength: 0,
      signsLists: true,
    });
    expect(extension('551d0e', tlv(0x04, keyId))).toEqual(ids[0]);
  });

  test.each(['ES256', 'ES384', 'EdDSA'] as const)('of a key of %s signs with it', async (algorithm) => {
    expect((await makeAuthorities(algorithm)).root.issuer.algorithm).toBe(algorithm);
  });

  test('that may not sign lists says so', () => {
    expect(ask(basic(true), keyUsage('keyCertSign'), ...ids)).toMatchObject({ value: { signsLists: false } });
  });
});

describe('T026 whoever does not say so in both places is no authority', () => {
  test.each<[string, readonly Buffer[]]>([
    ['no extensions', []],
    ['no basicConstraints', [keyUsage('keyCertSign'), ...ids]],
    ['basicConstraints without cA', [basic(false), keyUsage('keyCertSign'), ...ids]],
    ['no keyUsage', [basic(true), ...ids]],
    ['a keyUsage without keyCertSign', [basic(true), keyUsage('cRLSign'), ...ids]],
  ])('%s', (_what, extensions) => {
    expect(ask(...extensions)).toMatchObject({ refusal: { reason: 'not-an-authority' } });
  });

  test('nor is a device', () => {
    expect(readIssuer(craftDevice({ name: 'A1' }).certificate)).toMatchObject({
      refusal: { reason: 'not-an-authority' },
    });
  });
});

describe('refused too', () => {
  const authority = [basic(true), keyUsage('keyCertSign')];

  test('T028 a rule that must be understood and is not', () => {
    expect(ask(...authority, ...ids, extension('2a0304', tlv(0x05), true))).toMatchObject({
      refusal: { reason: 'extension-unknown', oid: '1.2.3.4' },
    });
  });

  test('an authority without a subjectKeyIdentifier, which its certificates would have to name', () => {
    expect(ask(...authority)).toMatchObject({ refusal: { reason: 'certificate-malformed' } });
  });

  test('T017 a key that no signer has', () => {
    const { certificate } = craftAuthority({ name: 'Ward CA', kind: 'RSA' });
    expect(readIssuer(certificate)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'key-unsupported', key: 'none that a signer has' },
    });
  });

  test('T036 a certificate that is not of the one form', () => {
    const { certificate } = craft({ name: 'Ward CA', serial: '00', extensions: authority });
    expect(readIssuer(certificate)).toMatchObject({ refusal: { reason: 'certificate-malformed' } });
  });
});
