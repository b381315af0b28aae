// Do the factory's certificates have the one profile that Wardkey reads, and never a number or a key twice?
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';

import { beforeAll, expect, test } from 'vitest';

import {
  issueAuthority,
  issueCertificate,
  issueDevice,
  issueSigner,
  makeKey,
  type Issued,
} from '../../../cli/station/certificates.ts';
import { parsePemCertificate, type Certificate } from '../../../shared/identity/certificate.ts';
import { verifyPath, type Usage } from '../../../shared/identity/path.ts';

const PKCS8 = { format: 'pem', type: 'pkcs8' } as const;

let authority: Issued;
let signer: Issued;
let device: Issued;

beforeAll(async () => {
  const [key, signerKey] = [await makeKey(), await makeKey()];
  authority = { key, certificate: await issueAuthority('acme device CA', key) };
  signer = { key: signerKey, certificate: await issueSigner('acme manifest signer', signerKey, authority) };
  device = await issueCertificate('P1001', authority);
});

test('the authority alone may issue, and issued the signer and the device', () => {
  const [ca, vouching, leaf] = [parse(authority), parse(signer), parse(device)];
  expect([ca, vouching, leaf].map(({ isAuthority }) => isAuthority)).toEqual([true, false, false]);
  const now = new Date().toISOString();
  const under = (anchor: Certificate, certificate: Certificate, usage: Usage) =>
    verifyPath({ leaf: certificate, issuers: [], anchors: [anchor], usage, now }).outcome;
  expect([under(ca, vouching, 'any'), under(ca, leaf, 'any'), under(ca, leaf, 'device')]).toEqual([
    'done',
    'done',
    'done',
  ]);
  expect(under(vouching, leaf, 'any')).toBe('refused');
});

test('each certificate has the private key beside it', () => {
  for (const issued of [authority, signer, device])
    expect(parse(issued).x509.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
});

test.each<[string, () => Issued, number]>([
  ['authority', () => authority, 20],
  ['signer', () => signer, 5],
  ['device', () => device, 15],
])('the %s is valid from a minute ago, for whole seconds, and outlives what it is for', (_name, issued, years) => {
  const { notBefore, notAfter } = parse(issued());
  expect(Date.parse(notBefore)).toBeLessThan(Date.now());
  expect(Date.parse(notBefore) % 1000).toBe(0);
  const days = (Date.parse(notAfter) - Date.parse(notBefore)) / 86_400_000;
  expect(Math.floor(days)).toBe(years * 365);
});

test('the subject is the serial number as it was given: no text of it is parsed', async () => {
  const serial = 'P1_-0';
  expect(parse(await issueCertificate(serial, authority)).x509.subject).toBe(`CN=${serial}`);
});

test('serial numbers are positive, of 16 bytes and never the same; keys are new each time', async () => {
  const made = await Promise.all(Array.from({ length: 40 }, () => issueCertificate('P1001', authority)));
  const numbers = made.map((issued) => parse(issued).x509.serialNumber);
  expect(new Set(numbers).size).toBe(40);
  for (const number of numbers) expect(number).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(new Set(made.map((issued) => parse(issued).keyFingerprint)).size).toBe(40);
});

test('certifies a key that is there already, as often as it is asked', async () => {
  const [first, second] = [
    await issueDevice('P1', device.key, authority),
    await issueDevice('P1', device.key, authority),
  ];
  for (const certificate of [first, second])
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(device.key))).toBe(true);
  expect(first).not.toBe(second);
});

test('issues nothing that outlives its issuer', async () => {
  const short = await issueCertificate('P6666', signer);
  expect(parse(short).notAfter).toBe(parse(signer).notAfter);
});

test.each([
  ['nothing', () => ''],
  ['a certificate', () => authority.certificate],
  [
    'a key of another kind',
    () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(PKCS8).toString(),
  ],
])('refuses to issue with %s in place of the private key', async (_name, key) => {
  await expect(issueCertificate('P1', { certificate: authority.certificate, key: key() })).rejects.toThrow();
});

function parse({ certificate }: Issued): Certificate {
  const parsed = parsePemCertificate(certificate);
  if (parsed.outcome === 'refused') throw new Error(JSON.stringify(parsed.refusal));
  expect(new X509Certificate(certificate).raw.equals(parsed.value.x509.raw)).toBe(true);
  return parsed.value;
}
