// Does one certificate have one fingerprint, and is nothing read that is not one certificate?
import { hash } from 'node:crypto';

import { beforeAll, describe, expect, test } from 'vitest';

import {
  parseCertificate,
  parsePemCertificate,
  parsePemCertificates,
  toPem,
  type Certificate,
} from '../../../shared/identity/certificate.ts';
import { makeAuthority, makeDevice, type Party } from '../../pki/certificates.ts';
import { children, tlv, withIndefiniteLength, withLongLength } from '../../pki/der.ts';

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

describe('parsePemCertificates', () => {
  test('reads one or several, in their order, with empty lines between them', () => {
    for (const pem of [device.pem, `${device.pem}\n\n${authority.pem}`, `\n${device.pem.trim()}\r\n${authority.pem}`]) {
      const read = parsePemCertificates(pem);
      const fingerprints = read.outcome === 'done' ? read.value.map(({ fingerprint }) => fingerprint) : [];
      const all = [device.certificate.fingerprint, authority.certificate.fingerprint];
      expect(fingerprints).toEqual(all.slice(0, pem.includes(authority.pem.trim()) ? 2 : 1));
    }
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['a note between two', 'a note\n'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ])('refuses %s: what one reader leaves out, another may read', (_title, between) => {
    const pem = between === '' ? '' : `${device.pem}${between}${authority.pem}`;
    expect(parsePemCertificates(pem)).toMatchObject(MALFORMED);
  });
});
