// Where does a factory station keep its keys and what it made? A folder; private keys are files of their own, mode 0600.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isManufacturerCode, makeDeviceId } from '../../shared/identity/device-id.ts';
import { UsageError } from '../terminal.ts';
import { issueCertificate, makeAuthority, makeSigner, type Issued, type Issuer } from './certificates.ts';

export interface Station {
  readonly folder: string;
  readonly manufacturer: string;
  readonly authorityFile: string;
  readonly signerFile: string;
}

export interface MadeDevice {
  readonly id: string;
  readonly serial: string;
  readonly keyFile: string;
  readonly certificateFile: string;
}

const SETTINGS = 'station.json';
const SECRET = { mode: 0o600, flag: 'wx' } as const;

/** Makes the manufacturer's CA and manifest signer once; a second call opens what is there. */
export async function openStation(folder: string, manufacturer: string): Promise<Station> {
  if (!isManufacturerCode(manufacturer))
    throw new UsageError(`manufacturer "${manufacturer}": expected 2 to 16 a-z 0-9`);
  if (existsSync(join(folder, SETTINGS))) {
    const station = readStation(folder);
    if (station.manufacturer === manufacturer) return station;
    throw new UsageError(`"${folder}" is the station of "${station.manufacturer}", not of "${manufacturer}"`);
  }
  mkdirSync(join(folder, 'devices'), { recursive: true, mode: 0o700 });
  const authority = await makeAuthority(`${manufacturer} device CA`);
  write(folder, 'authority', authority);
  write(folder, 'signer', await makeSigner(`${manufacturer} manifest signer`, authority));
  // Last: a station whose making was interrupted has no settings and is refused below.
  writeFileSync(join(folder, SETTINGS), `${JSON.stringify({ manufacturer })}\n`);
  return readStation(folder);
}

export function readStation(folder: string): Station {
  const path = join(folder, SETTINGS);
  if (!existsSync(path)) throw new UsageError(`"${folder}" is no factory station: run wardkey factory init`);
  const { manufacturer } = JSON.parse(readFileSync(path, 'utf8')) as { manufacturer: string };
  return { folder, manufacturer, authorityFile: join(folder, 'authority.pem'), signerFile: join(folder, 'signer.pem') };
}

/** A key and certificate for one device; a serial number is used once. */
export async function makeDevice(station: Station, serial: string): Promise<MadeDevice> {
  const id = makeDeviceId(station.manufacturer, serial);
  if (id.outcome === 'refused') throw new UsageError(`serial "${serial}": ${JSON.stringify(id.refusal)}`);
  const device = deviceFiles(station, serial, id.value);
  if (existsSync(device.certificateFile)) throw new UsageError(`serial "${serial}" was made before`);
  mkdirSync(join(station.folder, 'devices', serial), { recursive: true, mode: 0o700 });
  const issued = await issueCertificate(serial, readIssuer(station, 'authority'));
  write(join(station.folder, 'devices', serial), 'device', issued);
  return device;
}

export function listSerials(station: Station): readonly string[] {
  return readdirSync(join(station.folder, 'devices')).sort();
}

export function readDevice(station: Station, serial: string): MadeDevice {
  const id = makeDeviceId(station.manufacturer, serial);
  const device = id.outcome === 'done' ? deviceFiles(station, serial, id.value) : undefined;
  if (device === undefined || !existsSync(device.certificateFile))
    throw new UsageError(`this station made no "${serial}"`);
  return device;
}

export function readIssuer(station: Station, name: 'authority' | 'signer'): Issuer {
  return {
    certificate: readFileSync(join(station.folder, `${name}.pem`), 'utf8'),
    key: readFileSync(join(station.folder, `${name}.key.pem`), 'utf8'),
  };
}

function deviceFiles(station: Station, serial: string, id: string): MadeDevice {
  const folder = join(station.folder, 'devices', serial);
  return { id, serial, keyFile: join(folder, 'device.key.pem'), certificateFile: join(folder, 'device.pem') };
}

function write(folder: string, name: string, { certificate, key }: Issued): void {
  writeFileSync(join(folder, `${name}.key.pem`), key, SECRET);
  writeFileSync(join(folder, `${name}.pem`), certificate, { flag: 'wx' });
}
