// Does the station make each device once, and nothing of what is no serial number?
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { makeKey } from '../../../cli/station/certificates.ts';
import { listDevices, makeDevice, makeDevices, readDevice, type MadeNow } from '../../../cli/station/devices.ts';
import { openStation, type Station } from '../../../cli/station/station.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { newFolder } from '../folders.ts';
import { contentsOf, expectMade, filesIn } from './station-files.ts';

const PKCS8 = { format: 'pem', type: 'pkcs8' } as const;

let station: Station;

beforeEach(async () => {
  station = await openStation(newFolder(), 'acme');
});

test('makes a device with its id, its key and its certificate', async () => {
  const device = await makeDevice(station, 'P1001');
  expect(device).toMatchObject({ id: 'acme-P1001', serial: 'P1001' });
  expect(readDevice(station, 'P1001')).toEqual(device);
  expect(listDevices(station)).toEqual({ made: ['P1001'], unfinished: [] });
  expectMade(station, ['P1001']);
});

test('uses a serial number once: the first key stays', async () => {
  await makeDevice(station, 'P1001');
  const before = contentsOf(station.folder);
  await expect(makeDevice(station, 'P1001')).rejects.toThrow(/"P1001" was made before/);
  expect(contentsOf(station.folder)).toEqual(before);
});

test('makes many, tells each, and answers in the order given; what was made before stays', async () => {
  await makeDevice(station, 'P30');
  unfinish('P20');
  const before = contentsOf(station.folder);
  const told: string[] = [];
  const serials = Array.from({ length: 40 }, (_none, at) => `P${40 - at}`);
  const results = await makeDevices(station, serials, ({ device }) => told.push(device.serial));
  expect(results.map(({ device }) => device.serial)).toEqual(serials);
  expect(told.toSorted()).toEqual(serials.toSorted());
  expect(counted(results)).toEqual({ made: 38, finished: 1, found: 1 });
  expect(contentsOf(station.folder)).toMatchObject(before);
  expectMade(station, serials);
  const after = contentsOf(station.folder);
  expect(counted(await makeDevices(station, serials, () => undefined))).toEqual({ found: 40 });
  expect(contentsOf(station.folder)).toEqual(after);
});

test('finishes a key without a certificate by the same key, and removes drafts', async () => {
  const key = unfinish('P1001');
  writeFileSync(join(station.folder, 'devices/P1001/.device.pem.1.draft'), 'half a cert');
  expect(listDevices(station)).toEqual({ made: [], unfinished: ['P1001'] });
  expect(() => readDevice(station, 'P1001')).toThrow('this station made no "P1001"');
  const { keyFile } = await makeDevice(station, 'P1001');
  expect(readFileSync(keyFile, 'utf8')).toBe(key);
  expectMade(station, ['P1001']);
});

test.each<[string, () => string]>([
  ['nothing', () => ''],
  ['something else', () => 'not a key'],
  ['an RSA key', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(PKCS8).toString()],
  ['a P-384 key', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(PKCS8).toString()],
])('certifies no key file that holds %s, and never overwrites it', async (_name, text) => {
  const key = text();
  unfinish('P1001', key);
  await expect(makeDevice(station, 'P1001')).rejects.toThrow(/is no P-256 private key; move it away/);
  await expect(makeDevice(station, 'P1001')).rejects.toBeInstanceOf(UsageError);
  expect(contentsOf(join(station.folder, 'devices'))).toEqual({ 'P1001/device.key.pem': key });
});

test('one device that cannot be made ends the run; what is there is whole, and a later run makes the rest', async () => {
  const serials = Array.from({ length: 60 }, (_none, at) => `P${at}`);
  unfinish('P5', 'not a key');
  await expect(makeDevices(station, serials, () => undefined)).rejects.toThrow('serial "P5"');
  const { made, unfinished } = listDevices(station);
  expect(unfinished).toEqual(['P5']);
  // Eight are under way at once; none is begun behind the failure.
  expect(made.length).toBeLessThan(30);
  rmSync(join(station.folder, 'devices/P5/device.key.pem'));
  await makeDevices(station, serials, () => undefined);
  expectMade(station, serials);
});

test.each(['', '.', '..', '../P1', 'a/b', 'P 1', 'P+', 'P#', 'a'.repeat(65), 'P1\n', 'P１', 'P1\0', '\u202eP1'])(
  'T020 T035 makes nothing of the serial number %j: it would be a path or a topic, or no subject holds it',
  async (serial) => {
    const before = filesIn(station.folder);
    await expect(makeDevice(station, serial)).rejects.toBeInstanceOf(UsageError);
    await expect(makeDevice(station, serial)).rejects.toThrow(/^[^\p{Cc}\u202e]+$/u);
    await expect(makeDevices(station, ['P1', serial], () => undefined)).rejects.toBeInstanceOf(UsageError);
    expect(filesIn(station.folder)).toEqual(before);
    expect(() => readDevice(station, serial)).toThrow(UsageError);
  },
);

test('makes a device of the longest serial number that a subject holds', async () => {
  await makeDevice(station, 'a'.repeat(64));
  expectMade(station, ['a'.repeat(64)]);
});

test('does not take the device of another serial number for this one, where a file system holds them to be the same', async () => {
  await makeDevice(station, 'P1');
  cpSync(join(station.folder, 'devices/P1'), join(station.folder, 'devices/p1'), { recursive: true });
  await expect(makeDevices(station, ['p1'], () => undefined)).rejects.toThrow(
    /expected the certificate of "p1", got that of "CN=P1"$/,
  );
});

test('makes nothing when the certificate of its authority has expired', async () => {
  vi.useFakeTimers({ now: Date.parse('2099-01-01T00:00:00Z'), toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  await expect(makeDevice(station, 'P1')).rejects.toThrow(/certificate of the authority is valid from/);
  await expect(makeDevices(station, ['P1'], () => undefined)).rejects.toThrow(UsageError);
  expect(filesIn(join(station.folder, 'devices'))).toEqual([]);
});

test('makes nothing with a key of the authority that is another’s', async () => {
  writeFileSync(join(station.folder, 'authority.key.pem'), await makeKey());
  await expect(makeDevice(station, 'P1')).rejects.toThrow(UsageError);
  expect(filesIn(join(station.folder, 'devices'))).toEqual([]);
});

test('knows only devices that it made, and no file that lies among them', () => {
  writeFileSync(join(station.folder, 'devices/.DS_Store'), '');
  expect(() => readDevice(station, 'P1001')).toThrow('this station made no "P1001"');
  expect(listDevices(station)).toEqual({ made: [], unfinished: [] });
});

/** As a kill between the two files leaves it. */
function unfinish(serial: string, key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(PKCS8)) {
  mkdirSync(join(station.folder, 'devices', serial), { mode: 0o700 });
  writeFileSync(join(station.folder, 'devices', serial, 'device.key.pem'), key, { mode: 0o600 });
  return key;
}

function counted(results: readonly MadeNow[]): Readonly<Record<string, number>> {
  const groups = Map.groupBy(results, ({ making }) => making);
  return Object.fromEntries([...groups].map(([making, those]) => [making, those.length]));
}
