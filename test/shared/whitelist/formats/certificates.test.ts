// Is each certificate of a plain list one device, under the certificate's own serial number?
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { toPem } from '../../../../shared/identity/certificate.ts';
import { certificateBlocks, certificateLines } from '../../../../shared/whitelist/formats/certificates.ts';
import { makeAuthority, makeDevice, type Party } from '../../../pki/certificates.ts';
import { children, tlv } from '../../../pki/der.ts';
import { contextOf, CORPORA, HAVE_CORPORA, problemOf, readAll, resultsOf } from './reading.ts';

const context = contextOf('acme');

let first: Party;
let second: Party;

beforeAll(async () => {
  const authority = await makeAuthority();
  first = await makeDevice(authority, 'A1', { serialNumber: '0AB1' });
  second = await makeDevice(authority, 'A2', { serialNumber: '0AB2' });
});

const encoded = ({ pem }: Party) => Buffer.from(pem).toString('base64');

describe('base64 of PEM, one a line', () => {
  const read = (text: string) => resultsOf(certificateLines, text, context);

  test('the serial number is the one of the certificate, in lower-case hex', async () => {
    const entries = await readAll(certificateLines, `${encoded(first)}\n${encoded(second)}\r\n`, context);
    expect(entries.map(({ line, entry }) => [line, entry.outcome === 'done' && entry.value.serial])).toEqual([
      [1, '0ab1'],
      [2, '0ab2'],
    ]);
  });

  test.each<[string, (line: string) => string, string]>([
    ['an empty line', () => '', 'manifest-malformed'],
    ['a space behind it', (line) => `${line} `, 'manifest-malformed'],
    ['characters outside base64', (line) => `${line.slice(0, 8)}!${line.slice(8)}`, 'manifest-malformed'],
    ['base64 of no PEM', () => 'AAAA', 'certificate-malformed'],
    [
      'two certificates',
      (line) => Buffer.from(Buffer.from(line, 'base64').toString().repeat(2)).toString('base64'),
      'certificate-malformed',
    ],
    ['T019 a line over 64 KiB', () => 'AAAA'.repeat(20_000), 'manifest-malformed'],
  ])('%s is refused, and the next line is read', async (_title, change, reason) => {
    expect(await read(`${change(encoded(first))}\n${encoded(second)}\n`)).toEqual([reason, 'accepted']);
  });
});

describe('PEM blocks', () => {
  const read = (text: string) => resultsOf(certificateBlocks, text, context);

  test('are counted by the line each begins on', async () => {
    const entries = await readAll(certificateBlocks, `${first.pem}\n\n${second.pem}`, context);
    const lines = first.pem.trim().split('\n').length;
    const serials = entries.map(({ entry }) => entry.outcome === 'done' && entry.value.serial);
    expect([serials, entries[0]?.line]).toEqual([['0ab1', '0ab2'], 1]);
    expect(entries[1]?.line).toBeGreaterThan(lines);
  });

  test('may have line ends of both kinds', async () => {
    expect(await read(first.pem.replaceAll('\n', '\r\n'))).toEqual(['accepted']);
  });

  test.each<[string, (pem: string) => string, string]>([
    ['text between blocks', (pem) => `${pem}device A2\n`, 'expected "-----BEGIN CERTIFICATE-----"'],
    ['a private key', (pem) => `${pem}-----BEGIN PRIVATE KEY-----\n`, 'expected "-----BEGIN CERTIFICATE-----"'],
    ['a block that does not end', (pem) => pem + pem.replace(/-----END.*/, ''), 'the block does not end'],
    ['T019 a block over 32 KiB', (pem) => pem + longBlock(), 'expected at most 32 KiB a block'],
    ['T019 a line over 64 KiB', (pem) => pem + longBlock('A'.repeat(70_000)), 'expected at most 32 KiB a block'],
  ])('%s ends the reading with a refusal', async (_title, change, problem) => {
    const read = await readAll(certificateBlocks, change(first.pem) + second.pem, context);
    expect(read.map(problemOf)).toEqual(['', problem]);
  });
});

test('a file that ends inside a block ends in a refusal', async () => {
  const read = await readAll(certificateBlocks, first.pem.replace(/-----END.*/, ''), context);
  expect(read.map(problemOf)).toEqual(['the block does not end']);
});

function longBlock(body = 'AAAA\n'.repeat(10_000)): string {
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

test('T017 a certificate over a key of another curve is refused', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const [body = Buffer.alloc(0), ...rest] = children(first.der);
  const key = publicKey.export({ format: 'der', type: 'spki' });
  const der = tlv(0x30, tlv(0x30, ...children(body).with(6, key)), ...rest);
  expect(await resultsOf(certificateBlocks, toPem(der.toString('base64')), context)).toEqual(['key-unsupported']);
});

test.each<[name: string, hex: string]>([
  ['zero', '00'],
  ['negative', 'ff'],
  ['of 21 bytes', `01${'00'.repeat(20)}`],
])('T036 a serial number that is %s is none', async (_name, serial) => {
  const [body = Buffer.alloc(0), ...rest] = children(first.der);
  const der = tlv(0x30, tlv(0x30, ...children(body).with(1, tlv(0x02, Buffer.from(serial, 'hex')))), ...rest);
  expect(await resultsOf(certificateBlocks, toPem(der.toString('base64')), context)).toEqual(['id-malformed']);
});

/** Skipped where ../shared/corpora is missing. */
describe.skipIf(!HAVE_CORPORA)('the sample list', () => {
  test('has ten certificates', async () => {
    const text = readFileSync(join(CORPORA, 'manifests-other/certificates-list-first10.txt'));
    const results = await resultsOf(certificateLines, text, context);
    expect(results).toEqual(Array.from({ length: 10 }, () => 'accepted'));
  });
});
