// Does a lot lie ready for shipping as it is documented, and is each lot one list of devices?
import { hash, X509Certificate } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { issueDevice, makeKey } from '../../../cli/station/certificates.ts';
import { makeDevice, readDevice } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation, type Station } from '../../../cli/station/station.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { parsePemCertificate } from '../../../shared/identity/certificate.ts';
import type { Outcome } from '../../../shared/outcome.ts';
import { parseManifestHeader, parseManifestLine } from '../../../shared/whitelist/manifest.ts';
import {
  parseDetachedSignature,
  startManifestCheck,
  type VerifiedManifest,
} from '../../../shared/whitelist/signature.ts';
import { newFolder } from '../folders.ts';
import { contentsOf } from './station-files.ts';

const LOT = { product: 'pump', lot: 'lot-7', serials: ['P1002', 'P1001'] };

let station: Station;

beforeEach(async () => {
  station = await openStation(newFolder(), 'acme');
  for (const serial of LOT.serials) await makeDevice(station, serial);
});

test('is signed by the station’s signer, for its manufacturer, over the very file', () => {
  const { manifestFile, digest } = deliverLot(station, LOT);
  const manifest = readFileSync(manifestFile);
  expect(check(manifestFile, manifest)).toMatchObject({ outcome: 'done', value: { manufacturer: 'acme', digest } });
  const changed = Buffer.from(manifest.toString().replace('pump', 'bump'));
  expect(check(manifestFile, changed)).toMatchObject({ outcome: 'refused', refusal: { reason: 'signature-invalid' } });
});

test('has a header and, in the order of serial numbers, the certificates that the devices hold', () => {
  const [first = '', ...lines] = readFileSync(deliverLot(station, LOT).manifestFile, 'utf8').trimEnd().split('\n');
  const header = { manufacturer: 'acme', product: 'pump', lot: 'lot-7', count: 2 };
  expect(parseManifestHeader(first)).toMatchObject({ outcome: 'done', value: header });
  const expected = ['P1001', 'P1002'].map((serial) => {
    const { raw } = new X509Certificate(readFileSync(join(station.folder, 'devices', serial, 'device.pem')));
    return { outcome: 'done', value: { serial, certificate: raw.toString('base64') } };
  });
  expect(lines.map((line, index) => parseManifestLine(line, index + 2))).toEqual(expected);
});

test('tells the digest of the very file, and how many devices are in it', () => {
  const delivery = deliverLot(station, LOT);
  expect(delivery).toMatchObject({
    devices: 2,
    digest: hash('sha256', readFileSync(delivery.manifestFile)),
    manifestFile: `${station.folder}/shipping/lot-7/lot-7.jsonl`,
    signatureFile: `${station.folder}/shipping/lot-7/lot-7.jsonl.jws`,
  });
});

test('is laid out for shipping: manifest, signature, both certificates, README, and no private key', () => {
  const { folder } = deliverLot(station, LOT);
  const contents = contentsOf(folder);
  expect(Object.keys(contents)).toEqual([
    'README.txt',
    'authority.pem',
    'lot-7.jsonl',
    'lot-7.jsonl.jws',
    'signer.pem',
  ]);
  expect(Object.values(contents).join('')).not.toContain('PRIVATE');
  expect(contents['authority.pem']).toBe(readFileSync(station.authorityFile, 'utf8'));
  expect(contents['signer.pem']).toBe(readFileSync(station.signerFile, 'utf8'));
});

test('gives the same manifest for the same devices, in whatever order they are named, with a signature of now', () => {
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { manifestFile, signatureFile, digest } = deliverLot(station, LOT);
  const [manifest, signature] = [readFileSync(manifestFile, 'utf8'), signedAt(signatureFile)];
  vi.advanceTimersByTime(5_000);
  expect(deliverLot(station, { ...LOT, serials: LOT.serials.toReversed() }).digest).toBe(digest);
  expect(readFileSync(manifestFile, 'utf8')).toBe(manifest);
  expect(signedAt(signatureFile) - signature).toBe(5);
});

test.each([
  ['fewer devices', { serials: ['P1001'] }],
  ['another product', { product: 'monitor' }],
])('refuses a lot that was delivered with %s, unless it is meant', (_name, other) => {
  deliverLot(station, { ...LOT, ...other });
  const before = contentsOf(station.folder);
  expect(() => deliverLot(station, LOT)).toThrow('lot "lot-7" was delivered with other devices: --again replaces it');
  expect(contentsOf(station.folder)).toEqual(before);
  expect(deliverLot(station, { ...LOT, again: true }).devices).toBe(2);
});

test.each(['', '.', '..', '../x', 'a/b', '-x', '.x', 'a b', 'a\n', 'a'.repeat(65)])(
  'refuses the lot "%s": it would be no folder of its own',
  (lot) => {
    const before = contentsOf(station.folder);
    expect(() => deliverLot(station, { ...LOT, lot })).toThrow(UsageError);
    expect(contentsOf(station.folder)).toEqual(before);
  },
);

test.each(['', 'p'.repeat(65), 'pump\n', 'a\u001b[2J', 'a\u0085'])(
  'refuses the product %j: no manifest may hold it, or no terminal',
  (product) => {
    expect(() => deliverLot(station, { ...LOT, product })).toThrow(UsageError);
  },
);

test('lists no device twice, and no lot without devices', () => {
  expect(() => deliverLot(station, { ...LOT, serials: ['P1001', 'P1001'] })).toThrow(UsageError);
  expect(() => deliverLot(station, { ...LOT, serials: [] })).toThrow(UsageError);
});

test('lists no device that the station did not make', () => {
  expect(() => deliverLot(station, { ...LOT, serials: ['P1001', 'P9999'] })).toThrow(UsageError);
});

test('lists no device under the serial number of another', () => {
  cpSync(join(station.folder, 'devices/P1001'), join(station.folder, 'devices/p1001'), { recursive: true });
  expect(() => deliverLot(station, { ...LOT, serials: ['p1001'] })).toThrow(
    /expected the certificate of "p1001", got that of "CN=P1001"$/,
  );
});

test.each(['no certificate', ''])('lists no device whose certificate is "%s"', (text) => {
  writeFileSync(join(station.folder, 'devices/P1001/device.pem'), text);
  expect(() => deliverLot(station, LOT)).toThrow(/expected the certificate of "P1001", got no certificate$/);
});

test('lists no device of another station, whatever its authority is called', async () => {
  const other = await openStation(newFolder(), 'acme');
  const { certificateFile } = await makeDevice(other, 'P1001');
  cpSync(certificateFile, join(station.folder, 'devices/P1001/device.pem'));
  expect(() => deliverLot(station, LOT)).toThrow(/was not issued by this station$/);
});

test('lists no device that names this authority as its issuer and was signed by another key', async () => {
  const forger = { certificate: readFileSync(station.authorityFile, 'utf8'), key: await makeKey() };
  const { keyFile, certificateFile } = readDevice(station, 'P1001');
  writeFileSync(certificateFile, await issueDevice('P1001', readFileSync(keyFile, 'utf8'), forger));
  expect(() => deliverLot(station, LOT)).toThrow(/was not issued by this station$/);
});

test('is not signed by a signer whose certificate has expired', () => {
  vi.useFakeTimers({ now: Date.parse('2099-01-01T00:00:00Z'), toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  expect(() => deliverLot(station, LOT)).toThrow(/certificate of the signer is valid from/);
});

function signedAt(signatureFile: string): number {
  const [header = ''] = readFileSync(signatureFile, 'utf8').split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { iat: number }).iat;
}

/** As the import checks it, where the station's signer is trusted. */
function check(manifestFile: string, manifest: Buffer): Outcome<VerifiedManifest> {
  const signature = parseDetachedSignature(readFileSync(`${manifestFile}.jws`, 'utf8'));
  const certificate = parsePemCertificate(readFileSync(station.signerFile, 'utf8'));
  if (signature.outcome === 'refused') return signature;
  if (certificate.outcome === 'refused') return certificate;
  const signer = { version: 1, purpose: 'signer', manufacturer: 'acme', certificate: certificate.value } as const;
  // The station signs by the wall clock.
  const started = startManifestCheck(signature.value, signer, new Date(Date.now() + 1000).toISOString());
  if (started.outcome === 'refused') return started;
  started.value.update(manifest);
  return started.value.finish();
}
