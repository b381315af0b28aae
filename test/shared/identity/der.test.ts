// Is DER read in its one strict form, and the subject's name only where it can mean one thing?
import { beforeAll, describe, expect, test } from 'vitest';

import { readCertificateFields, readDer } from '../../../shared/identity/der.ts';
import { makeAuthority, makeDevice, type Party } from '../../pki/certificates.ts';
import { children, tlv, withIndefiniteLength, withLongLength } from '../../pki/der.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('readDer', () => {
  test.each([
    ['', []],
    ['0500', ['']],
    ['0401aa 0402bbcc', ['aa', 'bbcc']],
    [`048180${'00'.repeat(128)}`, ['00'.repeat(128)]],
  ])('reads %.20s', (bytes, contents) => {
    expect(readDer(hex(bytes))?.map(({ content }) => Buffer.from(content).toString('hex'))).toEqual(contents);
  });

  test.each([
    ['a tag alone', '04'],
    ['a length that is not there', '0481'],
    ['content that is cut off', '0402aa'],
    ['T036 a length in more bytes than needed', '048101aa'],
    ['T036 a long length with a leading zero', `04820080${'00'.repeat(128)}`],
    ['T036 an indefinite length', '3080 0500 0000'],
    ['T036 an indefinite length that could be 128', `3080${'00'.repeat(128)}`],
    ['a tag of more bytes', '1f01 00'],
    ['a length of five bytes', '0484 00000001 aa'],
    ['something behind it', '0500 04'],
  ])('refuses %s', (_title, bytes) => {
    expect(readDer(hex(bytes))).toBeUndefined();
  });
});

describe('readCertificateFields', () => {
  let device: Party;

  beforeAll(async () => {
    device = await makeDevice(await makeAuthority(), 'A1');
  });

  /** The device's certificate with another subject. */
  function named(...sets: readonly Buffer[]): Buffer {
    const [body = Buffer.alloc(0), ...rest] = children(device.der);
    return tlv(0x30, tlv(0x30, ...children(body).with(5, tlv(0x30, ...sets))), ...rest);
  }

  const name = (text: string, tag = 0x0c) => tlv(0x30, hex('0603550403'), tlv(tag, Buffer.from(text)));
  const organisation = tlv(0x30, hex('060355040a'), tlv(0x0c, Buffer.from('Acme')));
  const nameOf = (der: Buffer) => readCertificateFields(der)?.commonName;

  test('finds name and key', () => {
    expect(readCertificateFields(device.der)?.commonName).toBe('A1');
    const key = device.certificate.x509.publicKey.export({ format: 'der', type: 'spki' });
    expect(Buffer.from(readCertificateFields(device.der)?.key ?? [])).toEqual(key);
  });

  test('finds the name beside other attributes', () => {
    expect(nameOf(named(tlv(0x31, organisation), tlv(0x31, name('A1'))))).toBe('A1');
    expect(nameOf(named(tlv(0x31, name('A1', 0x13))))).toBe('A1');
  });

  test.each<[string, readonly Buffer[]]>([
    ['none', [tlv(0x31, organisation)]],
    ['an empty subject', []],
    ['two', [tlv(0x31, name('A1')), tlv(0x31, name('A2'))]],
    ['the same twice', [tlv(0x31, name('A1')), tlv(0x31, name('A1'))]],
    ['one beside another attribute in one set', [tlv(0x31, organisation, name('A1'))]],
    ['one in UTF-16', [tlv(0x31, name('\0A\u00001', 0x1e))]],
    ['one that is no UTF-8', [tlv(0x31, tlv(0x30, hex('0603550403'), tlv(0x0c, hex('c328'))))]],
  ])('T034 knows no name where there is %s', (_title, sets) => {
    const fields = readCertificateFields(named(...sets));
    expect(fields).toBeDefined();
    expect(fields?.commonName).toBeUndefined();
  });

  test.each(['A1\nCN=B2', '/CN=B2', String.raw`A1\, CN=B2`, 'A1, CN=B2'])('T034 takes %j as it is', (text) => {
    expect(nameOf(named(tlv(0x31, name(text))))).toBe(text);
  });

  test.each<[string, (der: Buffer) => Uint8Array]>([
    ['nothing', () => Buffer.alloc(0)],
    ['a long length', withLongLength],
    ['an indefinite length', withIndefiniteLength],
    ['a byte behind it', (der) => Buffer.concat([der, Buffer.from([0])])],
    ['another value behind it', (der) => Buffer.concat([der, hex('0500')])],
    ['an empty sequence', () => hex('3000')],
  ])('refuses %s', (_title, change) => {
    expect(readCertificateFields(change(device.der))).toBeUndefined();
  });

  test('T038 nesting of 10,000 is no certificate', () => {
    const levels = Array.from({ length: 10_000 }, (_none, level) => level);
    const nested = levels.reduce<Buffer>((inner) => tlv(0x30, inner), hex('0500'));
    expect(readCertificateFields(nested)).toBeUndefined();
  });
});
