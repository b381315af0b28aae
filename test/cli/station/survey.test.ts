// Does the station show what is in it, and does a lot take what no other lot lists?
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { makeDevice } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation, type Station } from '../../../cli/station/station.ts';
import { surveyStation, undeliveredSerials } from '../../../cli/station/survey.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { newFolder } from '../folders.ts';
import { contentsOf } from './station-files.ts';

let station: Station;

beforeEach(async () => {
  station = await openStation(newFolder(), 'acme');
});

test('shows a new station: two certificates, no device, no lot', () => {
  const { manufacturer, certificates, devices, lots } = surveyStation(station);
  expect([manufacturer, devices, lots]).toEqual(['acme', { made: [], unfinished: [] }, []]);
  const files = [station.authorityFile, station.signerFile];
  for (const [index, shown] of certificates.entries()) {
    const { fingerprint256, validFromDate, validToDate } = new X509Certificate(readFileSync(files[index] ?? ''));
    expect(shown).toEqual({
      name: index === 0 ? 'authority' : 'signer',
      fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
      notBefore: validFromDate.toISOString(),
      notAfter: validToDate.toISOString(),
    });
  }
});

test('shows devices and lots, unfinished ones as such, and changes nothing', async () => {
  for (const serial of ['P2', 'P1']) await makeDevice(station, serial);
  mkdirSync(join(station.folder, 'devices/P3'));
  deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1'] });
  const { signatureFile } = deliverLot(station, { product: 'pump', lot: 'lot-8', serials: ['P1', 'P2'] });
  rmSync(signatureFile);
  const before = contentsOf(station.folder);
  const { devices, lots } = surveyStation(station);
  expect(devices).toEqual({ made: ['P1', 'P2'], unfinished: ['P3'] });
  expect(lots).toMatchObject([
    { lot: 'lot-7', product: 'pump', devices: 1 },
    { lot: 'lot-8', product: 'pump', devices: 2, signedAt: undefined },
  ]);
  expect(lots[0]?.signedAt).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(contentsOf(station.folder)).toEqual(before);
});

test('takes for a lot what no other lot lists; the same lot takes the same again', async () => {
  for (const serial of ['P1', 'P2']) await makeDevice(station, serial);
  expect(undeliveredSerials(station, 'lot-7')).toEqual(['P1', 'P2']);
  deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1', 'P2'] });
  await makeDevice(station, 'P3');
  expect(undeliveredSerials(station, 'lot-8')).toEqual(['P3']);
  deliverLot(station, { product: 'pump', lot: 'lot-8', serials: ['P3'] });
  expect(undeliveredSerials(station, 'lot-7')).toEqual(['P1', 'P2']);
  expect(undeliveredSerials(station, 'lot-9')).toEqual([]);
});

test.each(['', '{}\n', 'no manifest\n'])('says so when a manifest of a lot was changed to %j', async (text) => {
  await makeDevice(station, 'P1');
  const { manifestFile } = deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1'] });
  writeFileSync(manifestFile, text);
  expect(() => surveyStation(station)).toThrow(UsageError);
  writeFileSync(manifestFile, `{}\n${text || 'no manifest\n'}`);
  expect(() => undeliveredSerials(station, 'lot-8')).toThrow(/is no manifest of this station$/);
});
