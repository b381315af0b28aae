// Where does a factory station keep its keys and what it made? In a folder, laid out in README.md; its keys also in a token.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isManufacturerCode } from '../../shared/identity/device-id.ts';
import { parseJson } from '../../shared/json.ts';
import { UsageError } from '../terminal.ts';
import {
  issueAuthority,
  issueSigner,
  makeKey,
  type Issuer,
  type SigningIssuer,
  type SigningKey,
} from './certificates.ts';
import { CLOSED_FOLDER, createFile, PUBLIC, removeDrafts, replaceFile, SECRET } from './durable-file.ts';
import { ensureTokenKey, labelOf, signerIn, tryToken, type IssuerName, type TokenStation } from './token.ts';

export interface Station {
  readonly folder: string;
  readonly manufacturer: string;
  readonly authorityFile: string;
  readonly signerFile: string;
  /** `pkcs11:` URI of the token that holds both keys; without it they are files. */
  readonly token?: string;
}

export type { IssuerName } from './token.ts';

const SETTINGS = 'station.json';
const ISSUERS: readonly IssuerName[] = ['authority', 'signer'];

/**
 * Makes the manufacturer's CA and manifest signer once; a second call opens what is there. Settings, each key and each
 * certificate are written in this order, so that a call which follows a kill goes on with what it finds. With another
 * `token` than before, the keys of the certificates must be in that one; then it is the station's.
 */
export async function openStation(folder: string, manufacturer: string, token?: string): Promise<Station> {
  if (!isManufacturerCode(manufacturer))
    throw new UsageError(`manufacturer "${manufacturer}": expected 2 to 16 a-z 0-9`);
  if (!existsSync(join(folder, SETTINGS))) await beginStation(folder, manufacturer, token);
  const station = inToken(readSettings(folder), token);
  if (station.manufacturer !== manufacturer)
    throw new UsageError(`"${folder}" is the station of "${station.manufacturer}", not of "${manufacturer}"`);
  removeDrafts(folder);
  mkdirSync(join(folder, 'devices'), { recursive: true, mode: CLOSED_FOLDER });
  const authority = await complete(station, 'authority', (key) => issueAuthority(`${manufacturer} device CA`, key));
  await complete(station, 'signer', (key) => issueSigner(`${manufacturer} manifest signer`, key, authority));
  if (station.token !== readSettings(folder).token) replaceFile(join(folder, SETTINGS), settingsOf(station));
  return readStation(folder);
}

/** Opens a station that is complete; an unfinished one is finished by `openStation` and used for nothing before. */
export function readStation(folder: string): Station {
  const station = readSettings(folder);
  for (const name of ISSUERS) {
    const hasKey = station.token !== undefined || existsSync(keyFile(station, name));
    if (!hasKey || !existsSync(certificateFile(station, name)))
      throw new UsageError(`"${folder}" has no ${name} yet: run wardkey station init again`);
  }
  return station;
}

/** Of a station that keeps its keys in files. Refuses a key that is not the certificate's: what it signs would be nobody's. */
export function readIssuer(station: Station, name: IssuerName): Issuer {
  if (station.token !== undefined) throw new UsageError(`"${station.folder}" keeps its keys in a token, not in files`);
  const issuer = {
    certificate: readFileSync(certificateFile(station, name), 'utf8'),
    key: readFileSync(keyFile(station, name), 'utf8'),
  };
  if (belongTogether(issuer)) return issuer;
  throw new UsageError(`"${certificateFile(station, name)}" does not belong to the key beside it`);
}

/** The same wherever the keys are; of a token the key is looked up. */
export async function openIssuer(station: Station, name: IssuerName): Promise<SigningIssuer> {
  if (!isInToken(station)) return readIssuer(station, name);
  const [certificate, key] = [readFileSync(certificateFile(station, name), 'utf8'), signerIn(station, name)];
  const spki = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
  if (spki.equals(await key.publicKey())) return { certificate, key };
  const label = labelOf(station.manufacturer, name);
  throw new UsageError(`"${certificateFile(station, name)}" does not belong to the key "${label}" in the token`);
}

/** An issuer for new signatures: its certificate is valid at `now` (milliseconds). */
export function readValidIssuer(station: Station, name: IssuerName, now: number): Issuer {
  const issuer = readIssuer(station, name);
  requireValid(issuer, name, now);
  return issuer;
}

/** The same wherever the keys are. */
export async function openValidIssuer(station: Station, name: IssuerName, now: number): Promise<SigningIssuer> {
  const issuer = await openIssuer(station, name);
  requireValid(issuer, name, now);
  return issuer;
}

function requireValid(issuer: SigningIssuer, name: IssuerName, now: number): void {
  const { validFromDate, validToDate } = new X509Certificate(issuer.certificate);
  // Whatever is signed by an expired certificate is refused by everybody who checks it (RFC 5280 4.1.2.5).
  if (now >= validFromDate.getTime() && now <= validToDate.getTime()) return;
  const period = `${validFromDate.toISOString()} to ${validToDate.toISOString()}`;
  throw new UsageError(`the certificate of the ${name} is valid from ${period}, not now`);
}

async function beginStation(folder: string, manufacturer: string, token: string | undefined): Promise<void> {
  // Keys without settings are somebody else's: taking them over could make one maker's CA another's.
  const stranger = ISSUERS.flatMap((name) => [`${name}.key.pem`, `${name}.pem`]).find((file) =>
    existsSync(join(folder, file)),
  );
  if (stranger !== undefined) throw new UsageError(`"${folder}" holds "${stranger}", but no ${SETTINGS}`);
  // A token that is not there, or does not take its PIN, leaves no folder behind.
  if (token !== undefined) await tryToken(token);
  mkdirSync(folder, { recursive: true, mode: CLOSED_FOLDER });
  createFile(join(folder, SETTINGS), settingsOf({ manufacturer, ...(token === undefined ? {} : { token }) }));
}

function settingsOf({ manufacturer, token }: Pick<Station, 'manufacturer' | 'token'>) {
  return { text: `${JSON.stringify({ manufacturer, token })}\n`, mode: PUBLIC };
}

/** `token`: undefined for the one of the settings. */
function inToken(station: Station, token: string | undefined): Station {
  if (token === undefined) return station;
  // Two homes of one key would be one too many.
  if (station.token === undefined) throw new UsageError(`"${station.folder}" keeps its keys in files, not in a token`);
  return { ...station, token };
}

function isInToken(station: Station): station is Station & TokenStation {
  return station.token !== undefined;
}

/** A key that is there is kept, and so is a certificate: somebody may have trusted it. */
async function complete(
  station: Station,
  name: IssuerName,
  issue: (key: SigningKey) => Promise<string>,
): Promise<SigningIssuer> {
  if (!existsSync(certificateFile(station, name))) {
    const key = isInToken(station) ? await ensureTokenKey(station, name) : await ensureKeyFile(station, name);
    // A kill here leaves a key without certificate; the next call finds the same key again.
    createFile(certificateFile(station, name), { text: await issue(key), mode: PUBLIC });
  }
  return openIssuer(station, name);
}

async function ensureKeyFile(station: Station, name: IssuerName): Promise<string> {
  if (!existsSync(keyFile(station, name))) createFile(keyFile(station, name), { text: await makeKey(), mode: SECRET });
  return readFileSync(keyFile(station, name), 'utf8');
}

function readSettings(folder: string): Station {
  const path = join(folder, SETTINGS);
  if (!existsSync(path)) throw new UsageError(`"${folder}" is no factory station: run wardkey station init`);
  const settings = parseJson(readFileSync(path, 'utf8')) as Settings | null | undefined;
  const { manufacturer, token } = settings ?? {};
  if (typeof manufacturer !== 'string' || !isManufacturerCode(manufacturer))
    throw new UsageError(`"${path}": expected {"manufacturer": CODE}`);
  const [authorityFile, signerFile] = [join(folder, 'authority.pem'), join(folder, 'signer.pem')];
  const files = { folder, manufacturer, authorityFile, signerFile };
  if (token === undefined) return files;
  if (typeof token !== 'string') throw new UsageError(`"${path}": expected a pkcs11: URI as "token"`);
  return { ...files, token };
}

interface Settings {
  readonly manufacturer?: unknown;
  readonly token?: unknown;
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
