// Who comes to the demo uninvited? A clone, a pump whose certificate has expired, and one of a CA that nobody knows here.
import { readFileSync } from 'node:fs';

import { issueAuthority, issueCertificate, makeKey } from '../station/certificates.ts';
import type { MadeDevice } from '../station/devices.ts';
import { readIssuer, type Station } from '../station/station.ts';
import type { Guest } from './first-connects.ts';

const DAY_MS = 24 * 3600 * 1000;

export function guestOf({ id, certificateFile, keyFile }: MadeDevice, what: string): Guest {
  return { id, what, certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

/** The same CA, the same serial number, another key: what whoever holds the CA's key can make. */
export async function makeClone(station: Station, { id, serial }: MadeDevice): Promise<Guest> {
  return {
    id,
    what: 'clone of A: same serial, other key',
    ...(await issueCertificate(serial, readIssuer(station, 'authority'))),
  };
}

export async function makeExpired(station: Station, serial: string): Promise<Guest> {
  const validity = { from: Date.now() - 2 * DAY_MS, until: Date.now() - DAY_MS };
  const issued = await issueCertificate(serial, readIssuer(station, 'authority'), validity);
  return { id: `${station.manufacturer}-${serial}`, what: 'certificate expired', ...issued };
}

export async function makeForeigner(serial: string): Promise<Guest> {
  const key = await makeKey();
  const authority = { certificate: await issueAuthority('a CA that nobody registered', key), key };
  return { id: `nobody-${serial}`, what: 'CA unknown', ...(await issueCertificate(serial, authority)) };
}
