// Does a factory station keep its keys to itself, and make each of them once?
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import {
  listSerials,
  makeDevice,
  openStation,
  readDevice,
  readIssuer,
  readStation,
} from '../../../cli/factory/station.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { newFolder } from '../folders.ts';

test('is made once: a second call opens what is there and changes no file', async () => {
  const folder = join(newFolder(), 'deep/station');
  const station = await openStation(folder, 'acme');
  const before = contentsOf(folder);
  expect(await openStation(folder, 'acme')).toEqual(station);
  expect(readStation(folder)).toEqual(station);
  expect(contentsOf(folder)).toEqual(before);
});

test('keeps every private key in a file of its own that only its user may read', async () => {
  const station = await openStation(newFolder(), 'acme');
  const device = await makeDevice(station, 'P1001');
  const holdsKey = (file: string) => readFileSync(file, 'utf8').includes('PRIVATE KEY');
  const secret = filesIn(station.folder).filter(holdsKey);
  expect(secret.map((file) => file.replace(`${station.folder}/`, '')).sort()).toEqual([
    'authority.key.pem',
    'devices/P1001/device.key.pem',
    'signer.key.pem',
  ]);
  for (const file of secret) expect(statSync(file).mode & 0o777, file).toBe(0o600);
  expect(secret).toContain(device.keyFile);
});

test('keeps the folders of devices closed to others', async () => {
  const station = await openStation(newFolder(), 'acme');
  await makeDevice(station, 'P1001');
  for (const folder of ['devices', 'devices/P1001'])
    expect(statSync(join(station.folder, folder)).mode & 0o777, folder).toBe(0o700);
});

test('is the station of one manufacturer: refuses another, and keeps the first', async () => {
  const folder = newFolder();
  await openStation(folder, 'acme');
  await expect(openStation(folder, 'bravo')).rejects.toThrow(/is the station of "acme", not of "bravo"/);
  expect(readStation(folder).manufacturer).toBe('acme');
});

test.each(['', 'A', 'ACME', 'a-b', 'a'.repeat(17), '../acme'])(
  'refuses the manufacturer code "%s" and makes nothing',
  async (code) => {
    const folder = newFolder();
    await expect(openStation(folder, code)).rejects.toBeInstanceOf(UsageError);
    expect(readdirSync(folder)).toEqual([]);
  },
);

test('refuses a folder that is no station', () => {
  expect(() => readStation(newFolder())).toThrow(UsageError);
});

test.each(['station.json', 'signer.pem'])(
  'refuses a station whose making was interrupted before %s',
  async (missing) => {
    const folder = newFolder();
    await openStation(folder, 'acme');
    const key = readFileSync(join(folder, 'authority.key.pem'), 'utf8');
    rmSync(join(folder, 'station.json'));
    rmSync(join(folder, missing), { force: true });
    expect(() => readStation(folder)).toThrow(UsageError);
    // No key is overwritten: somebody may have trusted it already.
    await expect(openStation(folder, 'acme')).rejects.toThrow('EEXIST');
    expect(readFileSync(join(folder, 'authority.key.pem'), 'utf8')).toBe(key);
  },
);

test('makes a device with its id, its key and its certificate', async () => {
  const station = await openStation(newFolder(), 'acme');
  const device = await makeDevice(station, 'P1001');
  expect(device).toMatchObject({ id: 'acme-P1001', serial: 'P1001' });
  expect(readDevice(station, 'P1001')).toEqual(device);
  expect(listSerials(station)).toEqual(['P1001']);
});

test('uses a serial number once: the first key stays', async () => {
  const station = await openStation(newFolder(), 'acme');
  const { keyFile } = await makeDevice(station, 'P1001');
  const key = readFileSync(keyFile, 'utf8');
  await expect(makeDevice(station, 'P1001')).rejects.toThrow(/"P1001" was made before/);
  expect(readFileSync(keyFile, 'utf8')).toBe(key);
});

test('never overwrites the key of a device whose making was interrupted', async () => {
  const station = await openStation(newFolder(), 'acme');
  const folder = join(station.folder, 'devices/P1001');
  mkdirSync(folder);
  writeFileSync(join(folder, 'device.key.pem'), 'a key without a certificate');
  await expect(makeDevice(station, 'P1001')).rejects.toThrow('EEXIST');
  expect(readFileSync(join(folder, 'device.key.pem'), 'utf8')).toBe('a key without a certificate');
});

test.each(['', '.', '..', '../P1', 'a/b', 'P 1', 'P+', 'P#', 'a'.repeat(129), 'P1\n'])(
  'T020 T035 makes nothing of the serial number "%s": it would be a path or a topic',
  async (serial) => {
    const station = await openStation(newFolder(), 'acme');
    const before = filesIn(station.folder);
    await expect(makeDevice(station, serial)).rejects.toBeInstanceOf(UsageError);
    expect(filesIn(station.folder)).toEqual(before);
    expect(() => readDevice(station, serial)).toThrow(UsageError);
  },
);

test('knows only devices that it made', async () => {
  const station = await openStation(newFolder(), 'acme');
  expect(() => readDevice(station, 'P1001')).toThrow('this station made no "P1001"');
  expect(listSerials(station)).toEqual([]);
});

test('gives certificate and key of its authority and its signer, which are two', async () => {
  const station = await openStation(newFolder(), 'acme');
  const [authority, signer] = [readIssuer(station, 'authority'), readIssuer(station, 'signer')];
  expect(authority.certificate).toBe(readFileSync(station.authorityFile, 'utf8'));
  expect(signer.certificate).toBe(readFileSync(station.signerFile, 'utf8'));
  expect(authority.key).not.toBe(signer.key);
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function contentsOf(folder: string): readonly (readonly [string, string])[] {
  expect(existsSync(folder)).toBe(true);
  return filesIn(folder).map((file) => [file, readFileSync(file, 'utf8')]);
}
