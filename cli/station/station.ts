// Where does a factory station keep its keys and what it made? A folder, laid out in README.md; file keys for now.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isManufacturerCode } from '../../shared/identity/device-id.ts';
import { parseJson } from '../../shared/json.ts';
import { UsageError } from '../terminal.ts';
import { issueAuthority, issueSigner, makeKey, type Issuer } from './certificates.ts';
import { CLOSED_FOLDER, createFile, PUBLIC, removeDrafts, SECRET } from './durable-file.ts';

export interface Station {
  readonly folder: string;
  readonly manufacturer: string;
  readonly authorityFile: string;
  readonly signerFile: string;
}

export type IssuerName = 'authority' | 'signer';

const SETTINGS = 'station.json';
const ISSUERS: readonly IssuerName[] = ['authority', 'signer'];

/**
 * Makes the manufacturer's CA and manifest signer once; a second call opens what is there. Settings, each key and each
 * certificate are written in this order, so that a call which follows a kill goes on with what it finds.
 */
export async function openStation(folder: string, manufacturer: string): Promise<Station> {
  if (!isManufacturerCode(manufacturer))
    throw new UsageError(`manufacturer "${manufacturer}": expected 2 to 16 a-z 0-9`);
  if (!existsSync(join(folder, SETTINGS))) beginStation(folder, manufacturer);
  const station = readSettings(folder);
  if (station.manufacturer !== manufacturer)
    throw new UsageError(`"${folder}" is the station of "${station.manufacturer}", not of "${manufacturer}"`);
  removeDrafts(folder);
  mkdirSync(join(folder, 'devices'), { recursive: true, mode: CLOSED_FOLDER });
  await complete(station, 'authority', (key) => issueAuthority(`${manufacturer} device CA`, key));
  const authority = readIssuer(station, 'authority');
  await complete(station, 'signer', (key) => issueSigner(`${manufacturer} manifest signer`, key, authority));
  return readStation(folder);
}

/** Opens a station that is complete; an unfinished one is finished by `openStation` and used for nothing before. */
export function readStation(folder: string): Station {
  const station = readSettings(folder);
  for (const name of ISSUERS) {
    if (!existsSync(keyFile(station, name)) || !existsSync(certificateFile(station, name)))
      throw new UsageError(`"${folder}" has no ${name} yet: run wardkey station init again`);
  }
  return station;
}

/** Refuses a key that is not the certificate's: what it signs would be nobody's. */
export function readIssuer(station: Station, name: IssuerName): Issuer {
  const issuer = {
    certificate: readFileSync(certificateFile(station, name), 'utf8'),
    key: readFileSync(keyFile(station, name), 'utf8'),
  };
  if (belongTogether(issuer)) return issuer;
  throw new UsageError(`"${certificateFile(station, name)}" does not belong to the key beside it`);
}

/** An issuer for new signatures: its certificate is valid at `now` (milliseconds). */
export function readValidIssuer(station: Station, name: IssuerName, now: number): Issuer {
  const issuer = readIssuer(station, name);
  const { validFromDate, validToDate } = new X509Certificate(issuer.certificate);
  // Whatever is signed by an expired certificate is refused by everybody who checks it (RFC 5280 4.1.2.5).
  if (now >= validFromDate.getTime() && now <= validToDate.getTime()) return issuer;
  const period = `${validFromDate.toISOString()} to ${validToDate.toISOString()}`;
  throw new UsageError(`the certificate of the ${name} is valid from ${period}, not now`);
}

function beginStation(folder: string, manufacturer: string): void {
  // Keys without settings are somebody else's: taking them over could make one maker's CA another's.
  const stranger = ISSUERS.flatMap((name) => [`${name}.key.pem`, `${name}.pem`]).find((file) =>
    existsSync(join(folder, file)),
  );
  if (stranger !== undefined) throw new UsageError(`"${folder}" holds "${stranger}", but no ${SETTINGS}`);
  mkdirSync(folder, { recursive: true, mode: CLOSED_FOLDER });
  createFile(join(folder, SETTINGS), { text: `${JSON.stringify({ manufacturer })}\n`, mode: PUBLIC });
}

/** A key that is there is kept, and so is a certificate: somebody may have trusted it. */
async function complete(station: Station, name: IssuerName, issue: (key: string) => Promise<string>): Promise<void> {
  if (existsSync(certificateFile(station, name))) return void readIssuer(station, name);
  if (!existsSync(keyFile(station, name))) createFile(keyFile(station, name), { text: await makeKey(), mode: SECRET });
  // A kill here leaves a key without certificate; the next call reads the same key again.
  const certificate = await issue(readFileSync(keyFile(station, name), 'utf8'));
  createFile(certificateFile(station, name), { text: certificate, mode: PUBLIC });
}

function readSettings(folder: string): Station {
  const path = join(folder, SETTINGS);
  if (!existsSync(path)) throw new UsageError(`"${folder}" is no factory station: run wardkey station init`);
  const settings = parseJson(readFileSync(path, 'utf8')) as { readonly manufacturer?: unknown } | null | undefined;
  const manufacturer = settings?.manufacturer;
  if (typeof manufacturer !== 'string' || !isManufacturerCode(manufacturer))
    throw new UsageError(`"${path}": expected {"manufacturer": CODE}`);
  return { folder, manufacturer, authorityFile: join(folder, 'authority.pem'), signerFile: join(folder, 'signer.pem') };
}

function belongTogether({ certificate, key }: Issuer): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // one of them cannot be read
  }
}

function keyFile({ folder }: Station, name: IssuerName): string {
  return join(folder, `${name}.key.pem`);
}

function certificateFile({ folder }: Station, name: IssuerName): string {
  return join(folder, `${name}.pem`);
}
