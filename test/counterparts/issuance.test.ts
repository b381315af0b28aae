// Does OpenSSL write requests that we hear, and believe the certificates and revocation lists that we make of them? And does
// what a request wishes for really not arrive?
import 'reflect-metadata';

import { hash, webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Pkcs10CertificateRequestGenerator, X509Certificate, X509Crl, X509CrlReason } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { toPem } from '../../shared/identity/certificate.ts';
import { verifyPath } from '../../shared/identity/path.ts';
import { parseCertificateRequest } from '../../shared/issuance/certificate-request.ts';
import { commission } from '../../shared/issuance/commission.ts';
import { prepareDelivery } from '../../shared/issuance/prepare.ts';
import { commissionList, prepareRevocationList, type Revoked } from '../../shared/issuance/prepare-list.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import type { SigningAlgorithm } from '../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../fakes/software-certificate-signer.ts';
import {
  CRL_URL,
  DEVICE,
  issue,
  makeAuthorities,
  NOW,
  serial,
  valueOf,
  type Authorities,
  type Authority,
} from '../shared/issuance/orders.ts';
import { openssl, present } from './openssl.ts';

const CURVES = [
  ['P-256', 'prime256v1'],
  ['P-384', 'secp384r1'],
] as const;

/** Everything that a device could wish for, and an attacker would. */
const WISHES = `
[req]
prompt = no
distinguished_name = name
req_extensions = wishes
[name]
CN = ${DEVICE}
[wishes]
basicConstraints = critical, CA:TRUE, pathlen:3
keyUsage = critical, keyCertSign, cRLSign, keyEncipherment
extendedKeyUsage = serverAuth, codeSigning, emailProtection, anyExtendedKeyUsage
subjectAltName = DNS:ward.example, DNS:*.ward.example, IP:10.0.0.1, URI:urn:wardkey:device:other, email:a@ward.example
subjectKeyIdentifier = 00112233
crlDistributionPoints = URI:http://attacker.example/none.crl
authorityInfoAccess = OCSP;URI:http://attacker.example/
certificatePolicies = 1.2.3.4
1.2.3.4.5 = critical, ASN1:NULL
`;

describe.skipIf(!present)('openssl', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wardkey-issuance-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = (...words: readonly string[]) => openssl(folder, ...words);
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
  };
  const pem = (der: Uint8Array) => toPem(Buffer.from(der).toString('base64'));

  /** A request in DER, by its own key. */
  function request(...words: readonly string[]): Buffer {
    const made = ask(
      'req',
      '-new',
      '-noenc',
      '-keyout',
      'device.key',
      '-outform',
      'DER',
      '-out',
      'device.csr',
      ...words,
    );
    if (!made.ok) throw new Error(made.text);
    return readFileSync(join(folder, 'device.csr'));
  }

  const parse = (der: Uint8Array) => parseCertificateRequest(der, { device: DEVICE });

  describe('a request by openssl req', () => {
    test.each(CURVES)('of %s is heard', (_curve, name) => {
      const key = ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${name}`];
      expect(parse(request(...key, '-subj', `/CN=${DEVICE}`)).outcome).toBe('done');
    });

    test('of RSA is heard', () => {
      expect(parse(request('-newkey', 'rsa:2048', '-subj', `/CN=${DEVICE}`)).outcome).toBe('done');
    });

    test.each([
      ['another name', `/CN=other`, 'subject-differs'],
      ['more than its name', `/O=Acme/CN=${DEVICE}`, 'subject-differs'],
      ['two names in one', `/O=Acme+CN=${DEVICE}`, 'subject-differs'],
    ])('with %s is not', (_what, subject, reason) => {
      const der = request('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-subj', subject);
      expect(parse(der)).toMatchObject({ refusal: { reason } });
    });

    test.each([
      ['Ed25519', ['-newkey', 'ed25519']],
      ['P-521', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp521r1']],
      ['RSA of 1024 bits', ['-newkey', 'rsa:1024']],
    ])('of %s is not', (_what, key) => {
      const der = request(...key, '-subj', `/CN=${DEVICE}`);
      expect(parse(der)).toMatchObject({ refusal: { reason: 'key-unsupported' } });
    });
  });

  describe.each<[SigningAlgorithm, SigningAlgorithm]>([
    ['ES256', 'ES256'],
    ['ES384', 'ES256'],
    ['ES384', 'ES384'],
    ['EdDSA', 'EdDSA'],
  ])('under a root of %s and an issuing CA of %s', (ofRoot, ofIssuing) => {
    let authorities: Authorities;
    beforeAll(async () => {
      authorities = await makeAuthorities(ofRoot, ofIssuing);
      write('root.pem', pem(authorities.root.issued.der));
      write('issuing.pem', pem(authorities.issuing.issued.der));
    });

    function verify(name: string, ...words: readonly string[]) {
      const time = ['-attime', String(Math.ceil(Date.parse(NOW) / 1000) + 60)];
      const trust = ['-no-CApath', '-no-CAstore', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem'];
      return ask('verify', '-x509_strict', ...time, ...trust, ...words, name);
    }

    async function listOf({ issuer, signer }: Authority, revoked: readonly Revoked[], number = 1): Promise<string> {
      const times = { thisUpdate: NOW, nextUpdate: '2026-11-26T10:00:00Z' };
      const prepared = valueOf(prepareRevocationList({ issuer, number, ...times, revoked }));
      const { der } = commissionList(prepared, await signVerified(signer, prepared.tbs));
      return toPem(Buffer.from(der).toString('base64')).replaceAll('CERTIFICATE', 'X509 CRL');
    }

    test.each(CURVES)(
      'T084 a request of %s that wishes for everything gets the profile and nothing else',
      async (_curve, name) => {
        write('wishes.cnf', WISHES);
        const key = ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${name}`];
        const der = request(...key, '-config', 'wishes.cnf', '-days', '3650');
        const wished = ask('req', '-in', 'device.csr', '-inform', 'DER', '-noout', '-text').text;
        expect(wished).toContain('CA:TRUE, pathlen:3');
        const issued = await issue(authorities.issuing, { request: valueOf(parse(der)) });
        write('leaf.pem', pem(issued.der));
        const { ok, text } = verify('leaf.pem', '-purpose', 'sslclient');
        expect([ok, text]).toEqual([true, 'leaf.pem: OK\n']);
        expect(verify('leaf.pem', '-purpose', 'sslserver').ok).toBe(false);
        const shown = ask('x509', '-in', 'leaf.pem', '-noout', '-text').text;
        expect(extensionsIn(shown)).toEqual([
          ['X509v3 Basic Constraints: critical', 'CA:FALSE'],
          ['X509v3 Key Usage: critical', 'Digital Signature'],
          ['X509v3 Extended Key Usage:', 'TLS Web Client Authentication'],
          ['X509v3 Subject Alternative Name:', `URI:urn:wardkey:device:${DEVICE}`],
          ['X509v3 Subject Key Identifier:', expect.stringMatching(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/) as string],
          ['X509v3 Authority Key Identifier:', keyIdIn(ask('x509', '-in', 'issuing.pem', '-noout', '-text').text)],
          ['X509v3 CRL Distribution Points:', `Full Name: URI:${CRL_URL}`],
        ]);
        expect(shown).toContain(`Subject: CN = ${DEVICE}\n`);
        expect(shown).not.toMatch(/DNS:|IP Address|attacker|OCSP|10\.0\.0\.1|1\.2\.3\.4/);
        expect(shown).toMatch(/Not Before: Nov 25 10:00:00 2026 GMT\s+Not After : Feb 23 09:59:59 2027 GMT/);
      },
    );

    test('the path is whole to OpenSSL and to us, and its lists take certificates back', async () => {
      const { root, issuing } = authorities;
      const [leaf, other] = [await issue(issuing), await issue(issuing, { serial: serial(8) })];
      write('leaf.pem', pem(leaf.der));
      write('other.pem', pem(other.der));
      write('lists.pem', (await listOf(root, [])) + (await listOf(issuing, [])));
      const lists = ['-CRLfile', 'lists.pem', '-crl_check_all'];
      expect(verify('leaf.pem', ...lists)).toEqual({ ok: true, text: 'leaf.pem: OK\n' });
      const revoked = { serial: leaf.prepared.serial, revokedAt: NOW, reason: 'keyCompromise' } as const;
      const second = await listOf(issuing, [revoked], 2);
      write('lists.pem', (await listOf(root, [])) + second);
      expect(verify('leaf.pem', ...lists).text).toContain('certificate revoked');
      expect(verify('other.pem', ...lists)).toEqual({ ok: true, text: 'other.pem: OK\n' });
      write('issuing.crl', second);
      const shown = ask('crl', '-in', 'issuing.crl', '-noout', '-text', '-CAfile', 'issuing.pem').text;
      for (const words of ['verify OK', 'Version 2', 'X509v3 CRL Number', 'Key Compromise', 'Authority Key Identifier'])
        expect(shown).toContain(words);
      expect(shown).toContain(leaf.prepared.serial.toUpperCase());
      // Our own validator trusts no Ed25519 yet.
      const anchors = [root.issued.certificate];
      const question = { leaf: leaf.certificate, issuers: [issuing.issued.certificate], anchors, now: NOW } as const;
      if (ofRoot !== 'EdDSA') expect(verifyPath({ ...question, usage: 'device' }).outcome).toBe('done');
    });

    test('root, issuing CA and delivery key are of the profile too', async () => {
      const { issuing } = authorities;
      expect(verify('issuing.pem')).toEqual({ ok: true, text: 'issuing.pem: OK\n' });
      expect(ask('x509', '-in', 'issuing.pem', '-noout', '-text').text).toContain('CA:TRUE, pathlen:0');
      const publicKey = await new SoftwareCertificateSigner('ES256').publicKey();
      const order = { publicKey, issuer: issuing.issuer, owner: 'st-mary', serial: serial(3), notBefore: NOW };
      const prepared = valueOf(prepareDelivery({ ...order, crlUrl: CRL_URL, validityDays: 30 }));
      write('delivery.pem', pem(commission(prepared, await signVerified(issuing.signer, prepared.tbs)).der));
      expect(verify('delivery.pem')).toEqual({ ok: true, text: 'delivery.pem: OK\n' });
      const shown = ask('x509', '-in', 'delivery.pem', '-noout', '-text').text;
      expect(shown).toContain('Subject: O = st-mary, CN = delivery of st-mary\n');
      expect(shown).toMatch(/Key Usage: critical\s+Key Agreement\n/);
    });

    test('every value is found by openssl asn1parse', async () => {
      const issued = await issue(authorities.issuing);
      write('leaf.pem', pem(issued.der));
      const { ok, text } = ask('asn1parse', '-in', 'leaf.pem');
      expect(ok).toBe(true);
      expect(text).not.toMatch(/error/i);
    });
  });
});

describe('@peculiar/x509', () => {
  test('writes a request that we hear', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const order = { name: `CN=${DEVICE}`, keys, signingAlgorithm: algorithm };
    const { rawData } = await Pkcs10CertificateRequestGenerator.create(order, webcrypto);
    const { keyFingerprint } = valueOf(parseCertificateRequest(new Uint8Array(rawData), { device: DEVICE }));
    const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
    expect(keyFingerprint).toBe(hash('sha256', new Uint8Array(spki)));
  });

  test('reads what we write', async () => {
    const { issuing } = await makeAuthorities();
    const issued = await issue(issuing);
    const leaf = new X509Certificate(Buffer.from(issued.der));
    expect([leaf.subject, leaf.serialNumber]).toEqual([`CN=${DEVICE}`, issued.prepared.serial]);
    const issuer = new X509Certificate(Buffer.from(issuing.issued.der));
    expect(await leaf.verify({ publicKey: issuer, signatureOnly: true }, webcrypto)).toBe(true);
    const order = { issuer: issuing.issuer, number: 9, thisUpdate: NOW, nextUpdate: '2026-11-26T10:00:00Z' };
    const revoked = [{ serial: issued.prepared.serial, revokedAt: NOW, reason: 'superseded' }] as const;
    const prepared = valueOf(prepareRevocationList({ ...order, revoked }));
    const list = new X509Crl(
      Buffer.from(commissionList(prepared, await signVerified(issuing.signer, prepared.tbs)).der),
    );
    expect(await list.verify({ publicKey: issuer }, webcrypto)).toBe(true);
    expect(list.findRevoked(leaf)?.reason).toBe(X509CrlReason.superseded);
  });
});

/** Name and value of each, as OpenSSL shows them. */
function extensionsIn(text: string): readonly (readonly [string, string])[] {
  const [, shown = ''] = /X509v3 extensions:\n([\s\S]*?)\n {4}Signature Algorithm/.exec(text) ?? [];
  const blocks = shown.split(/\n(?= {12}\S)/).map((block) =>
    block
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  );
  return blocks.map(([name = '', ...value]) => [name, value.join(' ').trim()]);
}

function keyIdIn(text: string): string {
  return /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(text)?.[1] ?? 'none';
}
