// Which keys are refused, whatever certificate they come in?
import { createPublicKey, generateKeyPairSync } from 'node:crypto';

import { beforeAll, describe, expect, test } from 'vitest';

import { checkKey, pointOf } from '../../../shared/identity/acceptable-key.ts';
import { parseCertificate } from '../../../shared/identity/certificate.ts';
import { makeAuthority, makeDevice, type Party } from '../../pki/certificates.ts';
import { children, readTlv, tlv } from '../../pki/der.ts';
import { P384 } from '../../pki/keys.ts';

let device: Party;

beforeAll(async () => {
  device = await makeDevice(await makeAuthority(), 'A1');
});

/** The device's certificate over another key; its signature is not looked at here. */
function over(key: Buffer): string {
  const [body = Buffer.alloc(0), ...rest] = children(device.der);
  const fields = children(body);
  const der = tlv(0x30, tlv(0x30, ...fields.with(6, key)), ...rest);
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') return certificate.refusal.reason;
  const checked = checkKey(certificate.value);
  return checked.outcome === 'done' ? 'accepted' : checked.refusal.reason;
}

const curve = (namedCurve: string, paramEncoding: 'named' | 'explicit' = 'named') =>
  generateKeyPairSync('ec', { namedCurve, paramEncoding }).publicKey.export({ format: 'der', type: 'spki' });

/** RFC 8017 A.1.1, from modulus and exponent in hex. */
function rsa(modulus: Buffer, exponent: string): Buffer {
  const key = tlv(0x30, tlv(0x02, Buffer.concat([Buffer.from([0]), modulus])), tlv(0x02, Buffer.from(exponent, 'hex')));
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  return tlv(0x30, algorithm, tlv(0x03, Buffer.from([0]), key));
}

function modulusOf(bits: number): Buffer {
  const { n = '' } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
  return Buffer.from(n, 'base64url');
}

describe('accepts', () => {
  test.each(['prime256v1', 'secp384r1'])('%s', (name) => {
    expect(over(curve(name))).toBe('accepted');
  });

  test.each(['03', '010001', '7fffffffffffffff'])('RSA of 2048 bits with exponent %s', (exponent) => {
    expect(over(rsa(modulusOf(2048), exponent))).toBe('accepted');
  });
});

describe('T017 refuses a key that is too weak or of another kind', () => {
  test.each(['prime192v1', 'secp224r1', 'secp521r1', 'secp256k1', 'brainpoolP256r1'])('%s', (name) => {
    expect(over(curve(name))).toBe('key-unsupported');
  });

  test.each(['ed25519', 'x25519', 'ed448'] as const)('%s', (kind) => {
    const { publicKey } = kind === 'ed25519' ? generateKeyPairSync(kind) : generateKeyPairSync(kind as 'x25519');
    expect(over(publicKey.export({ format: 'der', type: 'spki' }))).toBe('key-unsupported');
  });

  test.each(['01', '02', '010002', `01${'00'.repeat(8)}01`])('RSA with exponent %s', (exponent) => {
    expect(over(rsa(modulusOf(2048), exponent))).toBe('key-unsupported');
  });

  test('RSA that is bound to PSS', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    expect(over(publicKey.export({ format: 'der', type: 'spki' }))).toBe('key-unsupported');
  });

  test('RSA of 1024 bits', () => {
    expect(over(rsa(modulusOf(1024), '010001'))).toBe('key-unsupported');
  });

  test('RSA of more than 8192 bits', () => {
    expect(over(rsa(Buffer.alloc(1025, 0xff), '010001'))).toBe('key-unsupported');
  });

  test('a point off the curve, and the point at infinity', () => {
    const key = curve('prime256v1');
    const moved = Buffer.from(key);
    moved.writeUInt8((key.at(-1) ?? 0) ^ 1, key.length - 1);
    expect(() => createPublicKey({ key: moved, format: 'der', type: 'spki' }).export({ format: 'jwk' })).toThrow();
    const [algorithm = Buffer.alloc(0)] = children(key);
    for (const wrong of [moved, tlv(0x30, algorithm, tlv(0x03, Buffer.from([0, 0])))])
      expect(['certificate-malformed', 'key-unsupported']).toContain(over(wrong));
  });
});

describe('T033 refuses a curve that is spelled out', () => {
  test.each(['prime256v1', 'secp384r1'])('%s in explicit parameters', (name) => {
    expect(over(curve(name, 'explicit'))).toBe('key-unsupported');
  });

  test('P-256 with another generator', () => {
    const key = curve('prime256v1', 'explicit');
    // 6.1 of SEC 1: any byte of the base point, whose uncompressed form begins with the x of P-256.
    const generator = key.indexOf(Buffer.from('6b17d1f2e12c4247', 'hex'));
    expect(generator).toBeGreaterThan(0);
    key.writeUInt8(0x6c, generator);
    expect(['certificate-malformed', 'key-unsupported']).toContain(over(key));
  });

  test('a point in compressed form: one key would have two fingerprints', () => {
    const key = curve('prime256v1');
    const [algorithm = Buffer.alloc(0), bits = Buffer.alloc(0)] = children(key);
    const point = readTlv(bits).content.subarray(1);
    const compressed = Buffer.concat([Buffer.from([2 + ((point.at(-1) ?? 0) & 1)]), point.subarray(1, 33)]);
    expect(over(tlv(0x30, algorithm, tlv(0x03, Buffer.from([0]), compressed)))).toBe('key-unsupported');
  });
});

describe('a certificate that is touched anywhere', () => {
  test('is read or refused, and makes no fault', () => {
    for (let at = 0; at < device.der.length; at += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const der = Buffer.from(device.der);
        der.writeUInt8((der[at] ?? 0) ^ flip, at);
        const read = parseCertificate(der);
        const checked = read.outcome === 'done' ? checkKey(read.value) : read;
        const expected = ['accepted', 'certificate-malformed', 'key-unsupported'];
        expect(expected).toContain(checked.outcome === 'done' ? 'accepted' : checked.refusal.reason);
      }
    }
  });
});

test('x and y stand at the end of a P-256 key, and nowhere in another', async () => {
  const { x = '', y = '' } = device.certificate.x509.publicKey.export({ format: 'jwk' });
  const expected = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  expect(Buffer.from(pointOf(device.certificate) ?? [])).toEqual(expected);
  const other = await makeDevice(await makeAuthority(), 'A2', { curve: P384 });
  expect(pointOf(other.certificate)).toBeUndefined();
});
