// Does OpenSSL take the certificates of our factory station for what they are meant to be?
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { issueCertificate } from '../../cli/station/certificates.ts';
import { makeDevice, type MadeDevice } from '../../cli/station/devices.ts';
import { openStation, type Station } from '../../cli/station/station.ts';
import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import { openssl, present } from './openssl.ts';

describe.skipIf(!present)('openssl', () => {
  let folder: string;
  let other: string;
  let station: Station;
  let device: MadeDevice;
  let stranger: MadeDevice;

  beforeAll(async () => {
    [folder, other] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'wardkey-openssl-'))) as [string, string];
    station = await openStation(folder, 'acme');
    device = await makeDevice(station, 'P1001');
    // The same names, another key: what a forger would make.
    stranger = await makeDevice(await openStation(other, 'acme'), 'P1001');
  });

  afterAll(() => {
    for (const made of [folder, other]) rmSync(made, { recursive: true, force: true });
  });

  const verify = (...words: string[]) =>
    openssl(folder, 'verify', '-x509_strict', '-no-CApath', '-no-CAstore', '-CAfile', 'authority.pem', ...words);
  const show = (file: string) => openssl(folder, 'x509', '-in', file, '-noout', '-text').text;

  test('accepts a device as a TLS client under its maker’s authority, and under no other', () => {
    expect(verify('-purpose', 'sslclient', device.certificateFile)).toMatchObject({ ok: true });
    expect(verify('-purpose', 'sslclient', stranger.certificateFile)).toMatchObject({ ok: false });
  });

  test('refuses a device as a TLS server: its key is for clients', () => {
    expect(verify('-purpose', 'sslserver', device.certificateFile)).toMatchObject({ ok: false });
  });

  test('accepts the manifest signer under its maker’s authority', () => {
    expect(verify('signer.pem')).toMatchObject({ ok: true });
  });

  test('refuses what a device or a signer has issued: neither is an authority', async () => {
    for (const [certificate, key] of [
      [device.certificateFile, device.keyFile],
      [join(folder, 'signer.pem'), join(folder, 'signer.key.pem')],
    ] as const) {
      const issuer = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
      writeFileSync(join(folder, 'forged.pem'), (await issueCertificate('P6666', issuer)).certificate);
      expect(verify('-untrusted', certificate, 'forged.pem')).toMatchObject({ ok: false });
      expect(verify('-untrusted', certificate, 'forged.pem').text).toMatch(/invalid CA certificate|CA cert/);
    }
  });

  test('T026 reads critical basicConstraints and keyUsage: the authority issues devices and no authority', () => {
    expect(show('authority.pem')).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(show('authority.pem')).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    expect(show(device.certificateFile)).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(show(device.certificateFile)).toMatch(/Key Usage: critical\s+Digital Signature\s*\n/);
    expect(show(device.certificateFile)).toMatch(/Extended Key Usage: \s*\n?\s+TLS Web Client Authentication\s*\n/);
  });

  test('reads a P-256 key and ECDSA with SHA-256 in each of them', () => {
    for (const file of ['authority.pem', 'signer.pem', device.certificateFile]) {
      expect(show(file)).toContain('ASN1 OID: prime256v1');
      expect(show(file)).toContain('Signature Algorithm: ecdsa-with-SHA256');
    }
  });

  test('finds the private key that belongs to each certificate', () => {
    const publicOf = (...words: string[]) => openssl(folder, ...words).text;
    for (const [certificate, key] of [
      ['authority.pem', 'authority.key.pem'],
      ['signer.pem', 'signer.key.pem'],
      [device.certificateFile, device.keyFile],
    ] as const) {
      expect(publicOf('pkey', '-in', key, '-pubout')).toBe(publicOf('x509', '-in', certificate, '-noout', '-pubkey'));
    }
  });

  test('computes our fingerprint, which is the certificateId of AWS IoT Core', () => {
    for (const file of [device.certificateFile, join(folder, 'authority.pem')]) {
      const parsed = parsePemCertificate(readFileSync(file, 'utf8'));
      const ours = parsed.outcome === 'done' ? parsed.value.fingerprint : '';
      openssl(folder, 'x509', '-in', file, '-outform', 'DER', '-out', 'one.der');
      const { text } = openssl(folder, 'dgst', '-sha256', '-r', 'one.der');
      expect(text.split(' ')[0]).toBe(ours);
    }
  });
});
