// Does OpenSSL accept the signature that our factory station puts beside a manifest? It knows no JWS: the test hands it
// the signed bytes, and r and s in DER.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { deliverLot, type Delivery } from '../../cli/station/shipping.ts';
import { makeDevice } from '../../cli/station/devices.ts';
import { openStation } from '../../cli/station/station.ts';
import { openssl, present } from './openssl.ts';

describe.skipIf(!present)('openssl', () => {
  let folder: string;
  let delivery: Delivery;
  let manifest: Buffer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wardkey-openssl-'));
    const station = await openStation(folder, 'acme');
    for (const serial of ['P1001', 'P1002']) await makeDevice(station, serial);
    delivery = deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1001', 'P1002'] });
    manifest = readFileSync(delivery.manifestFile);
    openssl(folder, 'x509', '-in', 'signer.pem', '-noout', '-pubkey', '-out', 'signer.pub.pem');
    openssl(folder, 'x509', '-in', 'authority.pem', '-noout', '-pubkey', '-out', 'authority.pub.pem');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** RFC 7797 3: what is signed is `BASE64URL(header) . payload`, the payload as it is. */
  function verify(payload: Uint8Array, key = 'signer.pub.pem') {
    const [header = '', , signature = ''] = readFileSync(delivery.signatureFile, 'utf8').trim().split('.');
    writeFileSync(join(folder, 'signed'), Buffer.concat([Buffer.from(`${header}.`), payload]));
    writeFileSync(join(folder, 'signature.der'), derOf(Buffer.from(signature, 'base64url')));
    return openssl(folder, 'dgst', '-sha256', '-verify', key, '-signature', 'signature.der', 'signed');
  }

  test('verifies the signature over the header and the bytes of the file', () => {
    expect(verify(manifest)).toEqual({ ok: true, text: 'Verified OK\n' });
  });

  test('T002 refuses it over a file of which one byte was changed', () => {
    for (let at = 0; at < manifest.length; at += 97) {
      const changed = Buffer.from(manifest);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(verify(changed), `byte ${at}`).toMatchObject({ ok: false });
    }
  });

  test('refuses it under the key of the authority', () => {
    expect(verify(manifest, 'authority.pub.pem')).toMatchObject({ ok: false });
  });

  test('computes the digest that the station tells', () => {
    const { text } = openssl(folder, 'dgst', '-sha256', '-r', delivery.manifestFile);
    expect(text.split(' ')[0]).toBe(delivery.digest);
  });
});

/** ECDSA-Sig-Value (RFC 3279 2.2.3) of r || s. */
function derOf(raw: Buffer): Buffer {
  const half = raw.length / 2;
  const body = Buffer.concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

/** Shortest form, and never negative. */
function integer(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Buffer.from([0]) : bytes.subarray(start);
  const value = digits.readUInt8(0) < 0x80 ? digits : Buffer.concat([Buffer.from([0]), digits]);
  return Buffer.concat([Buffer.from([0x02, value.length]), value]);
}
