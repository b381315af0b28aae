// Does a factory station keep its keys to itself, make its CA and signer once, and go on after an interruption?
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { issueAuthority, makeKey } from '../../../cli/station/certificates.ts';
import { makeDevice } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation, readIssuer, readStation, readValidIssuer } from '../../../cli/station/station.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { newFolder } from '../folders.ts';
import { contentsOf, filesIn } from './station-files.ts';

/** In the order in which they are written. */
const FILES = ['station.json', 'authority.key.pem', 'authority.pem', 'signer.key.pem', 'signer.pem'];

test('is made once: a second call opens what is there and changes no file', async () => {
  const folder = join(newFolder(), 'deep/station');
  const station = await openStation(folder, 'acme');
  const before = contentsOf(folder);
  expect(Object.keys(before).sort()).toEqual([...FILES].sort());
  expect(await openStation(folder, 'acme')).toEqual(station);
  expect(readStation(folder)).toEqual(station);
  expect(contentsOf(folder)).toEqual(before);
});

test('keeps every private key in a file of its own that only its user may read', async () => {
  const station = await openStation(newFolder(), 'acme');
  const device = await makeDevice(station, 'P1001');
  deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1001'] });
  const holdsKey = (file: string) => readFileSync(join(station.folder, file), 'utf8').includes('PRIVATE KEY');
  const secret = filesIn(station.folder).filter(holdsKey);
  expect(secret).toEqual(['authority.key.pem', 'devices/P1001/device.key.pem', 'signer.key.pem']);
  for (const file of secret) expect(statSync(join(station.folder, file)).mode & 0o777, file).toBe(0o600);
  expect(secret.map((file) => join(station.folder, file))).toContain(device.keyFile);
});

test('keeps its folders closed to others', async () => {
  const folder = join(newFolder(), 'new');
  const station = await openStation(folder, 'acme');
  await makeDevice(station, 'P1001');
  deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1001'] });
  for (const inside of ['.', 'devices', 'devices/P1001', 'shipping', 'shipping/lot-7'])
    expect(statSync(join(folder, inside)).mode & 0o777, inside).toBe(0o700);
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
  expect(() => readStation(newFolder())).toThrow(/is no factory station: run wardkey station init/);
});

test.each(['', '{', 'null', '[]', '{}', '{"manufacturer":7}', '{"manufacturer":"../x"}'])(
  'refuses the settings %s in one line',
  async (settings) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'station.json'), settings);
    expect(() => readStation(folder)).toThrow(UsageError);
    await expect(openStation(folder, 'acme')).rejects.toThrow(/station.json": expected \{"manufacturer": CODE\}$/);
    expect(readdirSync(folder)).toEqual(['station.json']);
  },
);

test.each([1, 2, 3, 4])(
  'interrupted after %i of its five files it is used for nothing, and finished by the next init with the keys it has',
  async (written) => {
    const folder = newFolder();
    await openStation(folder, 'acme');
    for (const file of FILES.slice(written)) rmSync(join(folder, file));
    writeFileSync(join(folder, '.signer.pem.0.draft'), 'half a cert');
    const before = contentsOf(folder);
    expect(() => readStation(folder)).toThrow(/has no (authority|signer) yet: run wardkey station init again/);
    await expect(openStation(folder, 'bravo')).rejects.toThrow(UsageError);
    const station = await openStation(folder, 'acme');
    expect(contentsOf(folder)).toMatchObject(withoutDraft(before));
    expect(filesIn(folder)).toEqual([...FILES].sort());
    const [authority, signer] = [readIssuer(station, 'authority'), readIssuer(station, 'signer')];
    const issuer = new X509Certificate(authority.certificate);
    expect(new X509Certificate(signer.certificate).verify(issuer.publicKey)).toBe(true);
    expect(issuer.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
  },
);

test.each(['authority.key.pem', 'authority.pem', 'signer.key.pem', 'signer.pem'])(
  'refuses a folder that holds %s but no settings: the key is somebody else’s',
  async (file) => {
    const folder = newFolder();
    writeFileSync(join(folder, file), 'whatever it is');
    await expect(openStation(folder, 'acme')).rejects.toThrow(`holds "${file}", but no station.json`);
    expect(contentsOf(folder)).toEqual({ [file]: 'whatever it is' });
  },
);

test.each(['authority', 'signer'] as const)('refuses a key of its %s that is not the certificate’s', async (name) => {
  const station = await openStation(newFolder(), 'acme');
  for (const key of [await makeKey(), 'no key', '']) {
    writeFileSync(join(station.folder, `${name}.key.pem`), key);
    expect(() => readIssuer(station, name)).toThrow(/does not belong to the key beside it$/);
    await expect(openStation(station.folder, 'acme')).rejects.toThrow(UsageError);
    expect(readFileSync(join(station.folder, `${name}.key.pem`), 'utf8')).toBe(key);
  }
});

test('gives certificate and key of its authority and its signer, which are two', async () => {
  const station = await openStation(newFolder(), 'acme');
  const [authority, signer] = [readIssuer(station, 'authority'), readIssuer(station, 'signer')];
  expect(authority.certificate).toBe(readFileSync(station.authorityFile, 'utf8'));
  expect(signer.certificate).toBe(readFileSync(station.signerFile, 'utf8'));
  expect(authority.key).not.toBe(signer.key);
});

test('signs with a certificate that is valid now, both ends included', async () => {
  const station = await openStation(newFolder(), 'acme');
  const { validFromDate, validToDate } = new X509Certificate(readFileSync(station.signerFile));
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  for (const now of [from, to]) expect(readValidIssuer(station, 'signer', now)).toEqual(readIssuer(station, 'signer'));
  for (const now of [from - 1, to + 1])
    expect(() => readValidIssuer(station, 'signer', now)).toThrow(
      /certificate of the signer is valid from .*, not now/,
    );
});

test('goes on with a CA that was made in another run: its key is not made anew', async () => {
  const folder = newFolder();
  const key = await makeKey();
  writeFileSync(join(folder, 'station.json'), '{"manufacturer":"acme"}');
  writeFileSync(join(folder, 'authority.key.pem'), key, { mode: 0o600 });
  writeFileSync(join(folder, 'authority.pem'), await issueAuthority('acme device CA', key));
  expect(readIssuer(await openStation(folder, 'acme'), 'authority').key).toBe(key);
});

test('the command line says what is wrong in one line, with exit code 2', () => {
  const folder = newFolder();
  const words = ['cli/wardkey.ts', 'station', 'make', folder, 'P1'];
  expect(existsSync(folder)).toBe(true);
  try {
    execFileSync(process.execPath, words, { cwd: join(import.meta.dirname, '../../..'), stdio: 'pipe' });
    expect.unreachable('it made a device in a folder that is no station');
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: Buffer };
    expect([status, stderr.toString()]).toEqual([
      2,
      `wardkey: "${folder}" is no factory station: run wardkey station init\n`,
    ]);
  }
});

function withoutDraft(contents: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(contents).filter(([file]) => !file.endsWith('.draft')));
}
