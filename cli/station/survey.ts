// What is in a station? Its certificates, the devices it made and the lots it delivered; reads, and changes nothing.
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseManifestHeader, parseManifestLine } from '../../shared/whitelist/manifest.ts';
import { parseDetachedSignature } from '../../shared/whitelist/signature.ts';
import { UsageError } from '../terminal.ts';
import { listDevices } from './devices.ts';
import type { IssuerName, Station } from './station.ts';

export interface Survey {
  readonly manufacturer: string;
  readonly certificates: readonly ShownCertificate[];
  readonly devices: { readonly made: readonly string[]; readonly unfinished: readonly string[] };
  readonly lots: readonly ShownLot[];
}

export interface ShownCertificate {
  readonly name: IssuerName;
  /** Lower-case hex SHA-256 of the DER: what an operator trusts. */
  readonly fingerprint: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface ShownLot {
  readonly lot: string;
  readonly product: string;
  readonly devices: number;
  /** Undefined: its delivery was interrupted before the signature. */
  readonly signedAt: string | undefined;
}

export function surveyStation(station: Station): Survey {
  return {
    manufacturer: station.manufacturer,
    certificates: [showCertificate('authority', station.authorityFile), showCertificate('signer', station.signerFile)],
    devices: listDevices(station),
    lots: listLots(station).map((lot) => showLot(station, lot)),
  };
}

/** Devices that no lot but this one lists: what a delivery takes when nobody says which. */
export function undeliveredSerials(station: Station, lot: string): readonly string[] {
  const others = listLots(station).filter((name) => name !== lot);
  const delivered = new Set(others.flatMap((name) => [...readSerials(manifestFile(station, name))]));
  return listDevices(station).made.filter((serial) => !delivered.has(serial));
}

function listLots(station: Station): readonly string[] {
  const folder = join(station.folder, 'shipping');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((lot) => existsSync(manifestFile(station, lot)))
    .sort();
}

function showLot(station: Station, lot: string): ShownLot {
  const path = manifestFile(station, lot);
  const header = parseManifestHeader(readFileSync(path, 'utf8').split('\n', 1)[0] ?? '');
  if (header.outcome === 'refused') throw new UsageError(`"${path}" is no manifest of this station`);
  const signature = existsSync(`${path}.jws`) ? parseDetachedSignature(readFileSync(`${path}.jws`, 'utf8')) : undefined;
  const signedAt = signature?.outcome === 'done' ? signature.value.signedAt : undefined;
  return { lot, product: header.value.product, devices: header.value.count, signedAt };
}

function* readSerials(path: string): Generator<string> {
  const [, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  for (const [index, text] of lines.entries()) {
    const line = parseManifestLine(text, index + 2);
    if (line.outcome === 'refused') throw new UsageError(`"${path}" is no manifest of this station`);
    yield line.value.serial;
  }
}

function showCertificate(name: IssuerName, file: string): ShownCertificate {
  const { fingerprint256, validFromDate, validToDate } = new X509Certificate(readFileSync(file));
  return {
    name,
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: validFromDate.toISOString(),
    notAfter: validToDate.toISOString(),
  };
}

function manifestFile(station: Station, lot: string): string {
  return join(station.folder, 'shipping', lot, `${lot}.jsonl`);
}
