// Is Espressif's CSV read row by row, each certificate under the MAC address that its own row names?
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { espressif } from '../../../../shared/whitelist/formats/espressif.ts';
import { makeAuthority, makeDevice, type Party } from '../../../pki/certificates.ts';
import { contextOf, CORPORA, HAVE_CORPORA, problemOf, readAll, resultsOf } from './reading.ts';

const HEADER = 'MAC,cn,cert\n';
const context = contextOf('espressif');

let device: Party;

beforeAll(async () => {
  device = await makeDevice(await makeAuthority(), 'node-1');
});

const row = (mac = '4BA2BB8764BD', name = 'node-1', pem = device.pem) => `${mac},${name},"${pem}"\n`;

test('reads a row: the MAC address is the serial number', async () => {
  const [read] = await readAll(espressif, HEADER + row(), context);
  const { fingerprint, keyFingerprint } = device.certificate;
  const value = { serial: '4BA2BB8764BD', certificate: { fingerprint }, keyFingerprint, chain: [] };
  expect(read).toMatchObject({ line: 2, entry: { outcome: 'done', value } });
});

test('counts rows as spreadsheets do: the header is row 1, and a certificate of many lines is one row', async () => {
  const read = await readAll(espressif, HEADER + row() + row('4BA2BB8764BE'), context);
  expect(read.map(({ line }) => line)).toEqual([2, 3]);
});

test('reads line ends of both kinds', async () => {
  const text = (HEADER + row()).replaceAll('\n', '\r\n');
  expect(await resultsOf(espressif, text, context)).toEqual(['accepted']);
});

test.each<[string, () => string, string]>([
  ['a common name that is not in the certificate', () => row('4BA2BB8764BD', 'node-2'), 'id-differs'],
  ['no certificate', () => row('4BA2BB8764BD', 'node-1', ''), 'certificate-malformed'],
  ['two certificates', () => row('4BA2BB8764BD', 'node-1', device.pem + device.pem), 'certificate-malformed'],
  ['a field less', () => '4BA2BB8764BD,node-1\n', 'manifest-malformed'],
  ['a field more', () => row().replace(/\n$/, ',more\n'), 'manifest-malformed'],
  ['nothing', () => '\n', 'manifest-malformed'],
  ['T020 a MAC address in lower case', () => row('4ba2bb8764bd'), 'id-malformed'],
  ['T020 a MAC address in full-width digits', () => row('４BA2BB8764BD'), 'id-malformed'],
  ['T020 a MAC address with a NUL', () => row('4BA2BB8764B\0'), 'id-malformed'],
  ['T020 a MAC address with a space behind it', () => row('4BA2BB8764BD '), 'id-malformed'],
  ['T020 a MAC address that runs backwards', () => row('\u202e4BA2BB8764BD'), 'id-malformed'],
])('refuses a row with %s, and reads the next', async (_title, bad, reason) => {
  expect(await resultsOf(espressif, HEADER + bad() + row(), context)).toEqual([reason, 'accepted']);
});

test.each<[string, string]>([
  ['another header', 'mac,cn,cert\n'],
  ['a byte order mark', '\ufeffMAC,cn,cert\n'],
  ['no header', ''],
  ['a header that is quoted together', '"MAC,cn",cert\n'],
  ['a header in quotes that do not end', '"MAC,cn,cert\n'],
])('refuses a file with %s', async (_title, header) => {
  expect(await resultsOf(espressif, header + row(), context)).toEqual(['manifest-malformed']);
});

test('T019 a row over 64 KiB is refused, and the next is read', async () => {
  const read = await readAll(espressif, HEADER + row('4BA2BB8764BD', 'n'.repeat(70_000)) + row(), context);
  expect(read.map(problemOf)).toEqual(['expected at most 64 KiB', '']);
});

/** Skipped where ../shared/corpora is missing. */
describe.skipIf(!HAVE_CORPORA)('the genuine file', () => {
  test('has three devices with RSA keys', async () => {
    const text = readFileSync(join(CORPORA, 'manifests-other/manifest-espressif-first3.csv'));
    const read = await readAll(espressif, text, context);
    const serials = read.map(({ entry }) => entry.outcome === 'done' && entry.value.serial);
    expect(serials).toEqual(['4BA2BB8764BD', 'E5B314DA749D', '5B62ACC6615E']);
  });
});
