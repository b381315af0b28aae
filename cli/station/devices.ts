// Which devices did the station make? One folder each: the key, then the certificate; with it the device is made.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { makeDeviceId } from '../../shared/identity/device-id.ts';
import { UsageError } from '../terminal.ts';
import { issueDevice, makeKey, type SigningIssuer } from './certificates.ts';
import { CLOSED_FOLDER, createFile, PUBLIC, removeDrafts, SECRET } from './durable-file.ts';
import { quoteSerial } from './serials.ts';
import { openValidIssuer, type Station } from './station.ts';

export interface MadeDevice {
  readonly id: string;
  readonly serial: string;
  readonly keyFile: string;
  readonly certificateFile: string;
}

/** `finished`: its key was there, from a run that was killed; `found`: nothing was left to do. */
export type Making = 'made' | 'finished' | 'found';

export interface MadeNow {
  readonly device: MadeDevice;
  readonly making: Making;
}

/** Enough to keep one core busy while files are written. */
const LANES = 8;

/** A key and certificate for one device; a serial number is used once. */
export async function makeDevice(station: Station, serial: string): Promise<MadeDevice> {
  const device = nameDevice(station, serial);
  const making = await ensureDevice(device, await openValidIssuer(station, 'authority', Date.now()));
  if (making === 'found') throw new UsageError(`serial "${serial}" was made before`);
  return device;
}

/**
 * The same for many, in the order given; devices made before stay as they are, so that a killed run is run again. All
 * serial numbers are checked before the first key. `told` is called for each device as it is complete on the disk.
 */
export async function makeDevices(
  station: Station,
  serials: readonly string[],
  told: (made: MadeNow) => void,
): Promise<readonly MadeNow[]> {
  const devices = serials.map((serial) => nameDevice(station, serial));
  const authority = await openValidIssuer(station, 'authority', Date.now());
  const results: MadeNow[] = [];
  // The lanes share one source: a lane that fails closes it, and the others end after the device they are at.
  const source = each(devices);
  const lane = async () => {
    for (const [index, device] of source) {
      const made = { device, making: await ensureDevice(device, authority) };
      results[index] = made;
      told(made);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}

export function readDevice(station: Station, serial: string): MadeDevice {
  const device = nameDevice(station, serial);
  if (!existsSync(device.certificateFile)) throw new UsageError(`this station made no "${serial}"`);
  return device;
}

/** Serial numbers in order; an `unfinished` one has no certificate: it was never made. */
export function listDevices(station: Station): {
  readonly made: readonly string[];
  readonly unfinished: readonly string[];
} {
  const entries = readdirSync(join(station.folder, 'devices'), { withFileTypes: true });
  const serials = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const isMade = (serial: string) => existsSync(join(station.folder, 'devices', serial, CERTIFICATE));
  return { made: serials.filter(isMade), unfinished: serials.filter((serial) => !isMade(serial)) };
}

/** Refuses a certificate of another device: `p1` and `P1` are one folder on some file systems, and two to AWS IoT Core. */
export function readDeviceCertificate(device: MadeDevice): X509Certificate {
  const certificate = parse(readFileSync(device.certificateFile));
  if (certificate?.subject === `CN=${device.serial}`) return certificate;
  const got = certificate === undefined ? 'no certificate' : `that of "${certificate.subject}"`;
  throw new UsageError(`"${device.certificateFile}": expected the certificate of "${device.serial}", got ${got}`);
}

function* each<T>(values: readonly T[]): Generator<[number, T]> {
  yield* values.entries();
}

async function ensureDevice(device: MadeDevice, authority: SigningIssuer): Promise<Making> {
  const folder = dirname(device.keyFile);
  const isNew = mkdirSync(folder, { recursive: true, mode: CLOSED_FOLDER }) !== undefined;
  if (!isNew) removeDrafts(folder);
  if (existsSync(device.certificateFile)) {
    readDeviceCertificate(device);
    return 'found';
  }
  const isKeyNew = !existsSync(device.keyFile) && createFile(device.keyFile, { text: await makeKey(), mode: SECRET });
  // A kill here leaves a key without certificate: the next run certifies the same key.
  const key = readKey(device);
  const certificate = await issueDevice(device.serial, key, authority);
  // The commit point. Another run may have been faster: its certificate, for the same key, is the one.
  if (!createFile(device.certificateFile, { text: certificate, mode: PUBLIC })) return 'found';
  return isKeyNew ? 'made' : 'finished';
}

function readKey({ serial, keyFile }: MadeDevice): string {
  const pem = readFileSync(keyFile, 'utf8');
  if (curveOf(pem) === 'prime256v1') return pem;
  // Never overwritten: it may be the only copy of something.
  throw new UsageError(`serial "${serial}": "${keyFile}" is no P-256 private key; move it away to make a new one`);
}

function curveOf(pem: string): string | undefined {
  try {
    return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve;
  } catch {
    return undefined;
  }
}

function parse(pem: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The grammar of serial numbers also keeps them from being paths. */
function nameDevice(station: Station, serial: string): MadeDevice {
  const id = makeDeviceId(station.manufacturer, serial);
  if (id.outcome === 'refused') {
    const problem = 'problem' in id.refusal ? id.refusal.problem : id.refusal.reason;
    throw new UsageError(`serial ${quoteSerial(serial)}: ${problem}`);
  }
  // RFC 5280 appendix A, ub-common-name: a longer subject is one that some verifiers refuse.
  if (serial.length > LONGEST_NAME)
    throw new UsageError(`serial "${serial}": expected at most ${LONGEST_NAME} characters, the most a subject holds`);
  const folder = join(station.folder, 'devices', serial);
  return { id: id.value, serial, keyFile: join(folder, KEY), certificateFile: join(folder, CERTIFICATE) };
}

const KEY = 'device.key.pem';
const CERTIFICATE = 'device.pem';
const LONGEST_NAME = 64;
