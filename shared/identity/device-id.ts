// What is a device called? One id for device row, thing name, MQTT client id and topics (blueprint step 1).
import { hash } from 'node:crypto';

import { done, refused, type Outcome } from '../outcome.ts';

declare const proof: unique symbol;

/** Matches [A-Za-z0-9_-]{1,64}: safe in IoT topics, policies and thing names, where `* + # / $ { }` have power. */
export type DeviceId = string & { readonly [proof]: 'DeviceId' };

/** Without a hyphen, so that `<manufacturer>-<serial>` splits in one way only. */
const MANUFACTURER = /^[a-z0-9]{2,16}$/;
const SERIAL = /^[A-Za-z0-9_-]{1,128}$/;
const DEVICE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const LONGEST = 64;

/** `<manufacturer>-<serial>`; a serial number too long for 64 characters is replaced by its SHA-256 (40 hex digits). */
export function makeDeviceId(manufacturer: string, serial: string): Outcome<DeviceId> {
  if (!isManufacturerCode(manufacturer)) {
    return refused({ reason: 'id-malformed', problem: `expected a manufacturer code of 2 to 16 a-z 0-9` });
  }
  if (!SERIAL.test(serial)) {
    return refused({ reason: 'id-malformed', problem: `expected a serial number of 1 to 128 A-Z a-z 0-9 _ -` });
  }
  const plain = `${manufacturer}-${serial}`;
  return done((plain.length <= LONGEST ? plain : `${manufacturer}-${hash('sha256', serial).slice(0, 40)}`) as DeviceId);
}

/** Checked again before any topic, thing or policy is built from an id that was stored. */
export function parseDeviceId(text: string): Outcome<DeviceId> {
  if (DEVICE_ID.test(text)) return done(text as DeviceId);
  return refused({ reason: 'id-malformed', problem: 'expected a device id of 1 to 64 A-Z a-z 0-9 _ -' });
}

export function isManufacturerCode(text: string): boolean {
  return MANUFACTURER.test(text);
}
