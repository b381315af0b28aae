// Does one certificate have one fingerprint, and is an issuer known by its key?
import { hash } from 'node:crypto';

import { beforeAll, describe, expect, test } from 'vitest';

import {
  isIssuedBy,
  parseCertificate,
  parsePemCertificate,
  toPem,
  type Certificate,
} from '../../../shared/identity/certificate.ts';
import { makeAuthority, makeDevice, makeSigner, makeUndeclared, type Party } from '../../pki/certificates.ts';
import { children, tlv, withIndefiniteLength, withLongLength } from '../../pki/der.ts';
import { P384 } from '../../pki/keys.ts';

const MALFORMED = { outcome: 'refused', refusal: { reason: 'certificate-malformed' } };

let authority: Party;
let device: Party;
let parts: { tbs: Buffer; algorithm: Buffer; signature: Buffer };

beforeAll(async () => {
  authority = await makeAuthority();
  device = await makeDevice(authority, 'A1', { notBefore: '2026-01-02T03:04:05Z', notAfter: '9999-12-31T23:59:59Z' });
  const [tbs, algorithm, signature] = children(device.der);
  if (tbs === undefined || algorithm === undefined || signature === undefined) throw new Error('expected three parts');
  parts = { tbs, algorithm, signature };
});

function parsed(der: Buffer): Certificate {
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') throw new Error(JSON.stringify(certificate.refusal));
  return certificate.value;
}

describe('parseCertificate', () => {
  test('says fingerprint, key, validity and whether it is an authority', async () => {
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', device.keys.publicKey));
    expect(parsed(device.der)).toMatchObject({
      fingerprint: hash('sha256', device.der),
      keyFingerprint: hash('sha256', spki),
      notBefore: '2026-01-02T03:04:05.000Z',
      notAfter: '9999-12-31T23:59:59.000Z',
      isAuthority: false,
    });
    expect(parsed(authority.der).isAuthority).toBe(true);
  });

  test('two certificates of one key have one key fingerprint', async () => {
    const again = await makeDevice(authority, 'A2', { key: 'CN=A1' });
    expect(again.certificate.keyFingerprint).toBe(device.certificate.keyFingerprint);
    expect(again.certificate.fingerprint).not.toBe(device.certificate.fingerprint);
  });

  test('the pieces of these tests make the genuine certificate again', () => {
    expect(tlv(0x30, parts.tbs, parts.algorithm, parts.signature)).toEqual(device.der);
  });

  test.each<[string, () => Buffer]>([
    ['a byte behind it', () => Buffer.concat([device.der, Buffer.from([0])])],
    ['another certificate behind it', () => Buffer.concat([device.der, authority.der])],
    ['a byte before it', () => Buffer.concat([Buffer.from([0]), device.der])],
    ['a value inside, behind the signature', () => tlv(0x30, parts.tbs, parts.algorithm, parts.signature, tlv(0x05))],
    ['its last byte missing', () => device.der.subarray(0, -1)],
    ['its signature missing', () => tlv(0x30, parts.tbs, parts.algorithm)],
    ['a length that is not minimal', () => withLongLength(device.der)],
    ['an indefinite length', () => withIndefiniteLength(device.der)],
    [
      'a length that is not minimal at its signature',
      () => tlv(0x30, parts.tbs, parts.algorithm, withLongLength(parts.signature)),
    ],
    [
      'an indefinite length at its algorithm',
      () => tlv(0x30, parts.tbs, withIndefiniteLength(parts.algorithm), parts.signature),
    ],
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from(device.pem)],
    ['its key instead', () => device.certificate.x509.publicKey.export({ format: 'der', type: 'spki' })],
  ])('T036 refuses a certificate with %s', (_title, der) => {
    expect(parseCertificate(der())).toMatchObject(MALFORMED);
  });

  test('T038 refuses values nested as deep as 16 KiB allow', () => {
    let nested: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 4000; depth += 1) nested = tlv(0x30, nested);
    expect(parseCertificate(nested)).toMatchObject(MALFORMED);
  });

  test('reads at most 16 KiB', () => {
    const problem = (bytes: number) => JSON.stringify(parseCertificate(Buffer.alloc(bytes, 0x30)));
    expect(problem(16 * 1024 + 1)).toContain('expected at most 16384 bytes, got 16385');
    expect(problem(16 * 1024)).toContain('expected one DER-encoded');
  });
});

describe('parsePemCertificate', () => {
  test('reads what toPem wrote, of a certificate of any length, in lines of 64', async () => {
    for (const name of ['A', 'AB', 'ABC', 'ABCD', 'A'.repeat(60)]) {
      const { der, certificate } = await makeDevice(authority, name);
      const text = toPem(der.toString('base64'));
      expect(parsePemCertificate(text)).toMatchObject({ value: { fingerprint: certificate.fingerprint } });
      expect(text).toBe(certificate.x509.toString());
    }
  });

  test('reads one block, with white space around it', () => {
    expect(parsePemCertificate(`\n${device.pem}\r\n`)).toMatchObject({
      outcome: 'done',
      value: { fingerprint: device.certificate.fingerprint },
    });
  });

  test.each<[string, () => string]>([
    ['two blocks', () => `${device.pem}${authority.pem}`],
    ['the same block twice', () => `${device.pem}${device.pem}`],
    ['text before it', () => `subject=A1\n${device.pem}`],
    ['text behind it', () => `${device.pem}x`],
    ['another label', () => device.pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
    ['the label of a request', () => device.pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST')],
    ['no label', () => device.der.toString('base64')],
    ['foreign characters', () => device.pem.replace('MII', 'MI*')],
    ['a body that is no certificate', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['an empty body', () => '-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----'],
  ])('refuses text with %s', (_title, pem) => {
    expect(parsePemCertificate(pem())).toMatchObject(MALFORMED);
  });
});

describe('isIssuedBy', () => {
  test('knows the issuer by its key', () => {
    expect(isIssuedBy(device.certificate, authority.certificate)).toBe(true);
    expect(isIssuedBy(authority.certificate, authority.certificate)).toBe(true);
  });

  test('T003 an authority of the same name with another key did not issue it', async () => {
    const twin = await makeAuthority('Acme Root', { key: 'somebody else' });
    expect(isIssuedBy(device.certificate, twin.certificate)).toBe(false);
  });

  test('the same key under another name did not issue it', async () => {
    const renamed = await makeAuthority('Acme Root 2', { key: 'CN=Acme Root' });
    expect(isIssuedBy(device.certificate, renamed.certificate)).toBe(false);
  });

  test.each<[string, () => Promise<Party>]>([
    ['says that it is none', () => makeSigner()],
    ['says nothing of it', () => makeUndeclared()],
  ])('T026 a certificate that is no authority and %s issued nothing, whatever it signed', async (_title, make) => {
    const signer = await make();
    const signed = await makeDevice(signer, 'A3');
    expect(isIssuedBy(signed.certificate, signer.certificate)).toBe(false);
  });

  test('T036 a certificate whose outer algorithm differs from the signed one was not issued', () => {
    const oid = Buffer.from('06082a8648ce3d040302', 'hex');
    const other = tlv(0x30, parts.tbs, tlv(0x30, oid, tlv(0x05)), parts.signature);
    expect(isIssuedBy(parsed(other), authority.certificate)).toBe(false);
  });

  test('a certificate whose signed part was changed was not issued', () => {
    const changed = Buffer.from(device.der);
    const at = changed.indexOf(Buffer.from('A1', 'latin1'));
    changed.write('B', at, 'latin1');
    expect(isIssuedBy(parsed(changed), authority.certificate)).toBe(false);
  });

  test('a certificate of another curve under the same authority was issued', async () => {
    const p384 = await makeDevice(authority, 'A4', { curve: P384 });
    expect(isIssuedBy(p384.certificate, authority.certificate)).toBe(true);
  });
});
