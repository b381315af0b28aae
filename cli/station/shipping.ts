// What does a factory deliver with its devices? A folder per lot: manifest, detached signature, the two certificates
// to check them with, and a README. Nothing in it is secret.
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { writeManifest } from '../../shared/whitelist/manifest.ts';
import { signatureHeader } from '../../shared/whitelist/signature.ts';
import { UsageError } from '../terminal.ts';
import type { SigningIssuer } from './certificates.ts';
import { readDevice, readDeviceCertificate } from './devices.ts';
import { CLOSED_FOLDER, PUBLIC, removeDrafts, replaceFile } from './durable-file.ts';
import { writeReadme } from './shipping-readme.ts';
import { openIssuer, openValidIssuer, readIssuer, readValidIssuer, type Station } from './station.ts';
import { signSides } from './token-signature.ts';

export interface Delivery {
  readonly folder: string;
  readonly manifestFile: string;
  readonly signatureFile: string;
  /** Lower-case hex SHA-256 of the manifest. */
  readonly digest: string;
  readonly devices: number;
}

export interface Lot {
  readonly product: string;
  readonly lot: string;
  readonly serials: readonly string[];
  /** Lets a lot that was delivered be delivered with other devices. */
  readonly again?: boolean;
}

/**
 * Writes `shipping/<lot>/`. The same devices, in whatever order, give the same manifest, byte for byte, and a signature
 * of now; other devices are refused unless `again`. The signature is written last: a folder without one is unfinished.
 */
export function deliverLot(station: Station, lot: Lot): Delivery {
  const now = Date.now();
  const signer = readValidIssuer(station, 'signer', now);
  const draft = draftLot(station, lot, { signer, authority: readIssuer(station, 'authority'), now });
  return writeLot(draft, signByFile(signer.key, draft.signed));
}

/** The same wherever the station's keys are; what a token cannot sign is not written. */
export async function shipLot(station: Station, lot: Lot): Promise<Delivery> {
  const now = Date.now();
  const signer = await openValidIssuer(station, 'signer', now);
  const draft = draftLot(station, lot, { signer, authority: await openIssuer(station, 'authority'), now });
  return writeLot(draft, await signManifest(signer, draft.signed));
}

interface Draft {
  readonly folder: string;
  readonly manifestFile: string;
  readonly signatureFile: string;
  readonly manifest: string;
  readonly devices: number;
  /** Whether there is another manifest of this lot. */
  readonly isOther: boolean;
  /** Name and content of what goes with it. */
  readonly beside: Readonly<Record<string, string>>;
  /** RFC 7515 appendix F with RFC 7797: the payload part stays empty and is signed as it is. */
  readonly signed: { readonly header: string; readonly bytes: Uint8Array };
}

interface Issuers {
  readonly signer: SigningIssuer;
  readonly authority: SigningIssuer;
  readonly now: number;
}

/** Reads, and writes nothing. */
function draftLot(station: Station, order: Lot, { signer, authority, now }: Issuers): Draft {
  const { product, lot, serials, again = false } = order;
  checkWords(product, lot);
  const manifest = listLot(station, order);
  const folder = join(station.folder, 'shipping', lot);
  const manifestFile = join(folder, `${lot}.jsonl`);
  const former = existsSync(manifestFile) ? readFileSync(manifestFile, 'utf8') : undefined;
  const isOther = former !== undefined && former !== manifest;
  // Two lists under one lot: the devices of the first may have been shipped by it.
  if (isOther && !again) throw new UsageError(`lot "${lot}" was delivered with other devices: --again replaces it`);
  const header = signatureHeader(fingerprintOf(signer), new Date(now).toISOString());
  const readme = writeReadme(station, { product, lot, devices: serials.length });
  return {
    ...{ folder, manifestFile, signatureFile: `${manifestFile}.jws`, manifest, devices: serials.length, isOther },
    beside: { 'signer.pem': signer.certificate, 'authority.pem': authority.certificate, 'README.txt': readme },
    signed: { header, bytes: Buffer.from(`${header}.${manifest}`) },
  };
}

function writeLot({ isOther, beside, signed, ...lot }: Draft, sides: Uint8Array): Delivery {
  const { folder, manifestFile, signatureFile, manifest, devices } = lot;
  mkdirSync(folder, { recursive: true, mode: CLOSED_FOLDER });
  removeDrafts(folder);
  // A kill behind this point must not leave the former signature beside another manifest.
  if (isOther) rmSync(signatureFile, { force: true });
  const files: readonly (readonly [string, string])[] = [
    [manifestFile, manifest],
    ...Object.entries(beside).map(([name, text]) => [join(folder, name), text] as const),
    [signatureFile, `${signed.header}..${Buffer.from(sides).toString('base64url')}\n`],
  ];
  for (const [path, text] of files) replaceFile(path, { text, mode: PUBLIC });
  const digest = createHash('sha256').update(manifest).digest('hex');
  return { folder, manifestFile, signatureFile, digest, devices };
}

function checkWords(product: string, lot: string): void {
  // The name of a folder and of an object in S3; a first letter keeps `..` out.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(lot))
    throw new UsageError(`lot ${JSON.stringify(lot)}: expected 1 to 64 A-Z a-z 0-9 . _ -, a letter or digit first`);
  if (product === '' || product.length > 64 || /\p{Cc}/u.test(product))
    throw new UsageError(`product ${JSON.stringify(product)}: expected 1 to 64 characters of text`);
}

/** In the order of the serial numbers, so that one set of devices is one manifest. */
function listLot(station: Station, { product, lot, serials }: Lot): string {
  if (serials.length === 0) throw new UsageError(`lot "${lot}": no device to deliver`);
  if (new Set(serials).size < serials.length) throw new UsageError(`lot "${lot}": a serial number is given twice`);
  const authority = new X509Certificate(readFileSync(station.authorityFile));
  const lines = serials.toSorted().map((serial) => {
    const device = readDevice(station, serial);
    const certificate = readDeviceCertificate(device);
    // A certificate copied in from elsewhere would be refused line by line on import.
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey))
      throw new UsageError(`"${device.certificateFile}" was not issued by this station`);
    return { serial, certificate: certificate.raw.toString('base64') };
  });
  return writeManifest({ manufacturer: station.manufacturer, product, lot }, lines);
}

function signManifest({ certificate, key }: SigningIssuer, signed: Draft['signed']): Promise<Uint8Array> | Uint8Array {
  if (typeof key === 'string') return signByFile(key, signed);
  const spki = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
  return signSides(key, signed.bytes, spki);
}

/** RFC 7518 3.4: r || s. */
function signByFile(key: string, { bytes }: Draft['signed']): Uint8Array {
  return sign('sha256', bytes, { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' });
}

function fingerprintOf({ certificate }: SigningIssuer): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
}
