// What does a factory deliver with its devices? A manifest and a detached signature over its very bytes.
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { writeManifest } from '../../shared/whitelist/manifest.ts';
import { signatureHeader } from '../../shared/whitelist/signature.ts';
import { readDevice, readIssuer, type Station } from './station.ts';

export interface Delivery {
  readonly manifestFile: string;
  readonly signatureFile: string;
  readonly digest: string;
  readonly devices: number;
}

export interface Lot {
  readonly product: string;
  readonly lot: string;
  readonly serials: readonly string[];
}

/** Writes `manifests/<lot>.jsonl` and its `.jws` into the station's folder. */
export function deliverLot(station: Station, { product, lot, serials }: Lot): Delivery {
  const lines = serials.map((serial) => ({
    serial,
    certificate: certificateDer(readDevice(station, serial).certificateFile),
  }));
  const manifest = writeManifest({ manufacturer: station.manufacturer, product, lot }, lines);
  const folder = join(station.folder, 'manifests');
  mkdirSync(folder, { recursive: true });
  const manifestFile = join(folder, `${lot}.jsonl`);
  const signatureFile = `${manifestFile}.jws`;
  writeFileSync(manifestFile, manifest);
  writeFileSync(signatureFile, signManifest(station, manifest));
  return {
    manifestFile,
    signatureFile,
    digest: createHash('sha256').update(manifest).digest('hex'),
    devices: lines.length,
  };
}

function certificateDer(file: string): string {
  return new X509Certificate(readFileSync(file)).raw.toString('base64');
}

/** RFC 7515 appendix F with RFC 7797: the payload part stays empty and is signed as it is. */
function signManifest(station: Station, manifest: string): string {
  const { certificate, key } = readIssuer(station, 'signer');
  const fingerprint = createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
  const header = signatureHeader(fingerprint, new Date(Date.now()).toISOString());
  const value = sign('sha256', Buffer.from(`${header}.${manifest}`), {
    key: createPrivateKey(key),
    dsaEncoding: 'ieee-p1363',
  });
  return `${header}..${value.toString('base64url')}\n`;
}
