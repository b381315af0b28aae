// Which detached signatures are read at all? Exactly the JWS of this format; the file never names its own key.
import { createHmac } from 'node:crypto';

import { beforeAll, describe, expect, test } from 'vitest';

import type { Anchor } from '../../../shared/identity/anchor.ts';
import { parseDetachedSignature, signatureHeader } from '../../../shared/whitelist/signature.ts';
import { anchorOf, makeSigner, type Party } from '../../pki/certificates.ts';
import { signManifest, signWithHeader } from '../../pki/sign-manifest.ts';
import { check, MANIFEST, reasonOf, SIGNED_AT } from './signed.ts';

/** Order of P-256's base point (FIPS 186-5, SP 800-186). */
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

let party: Party;
let signer: Anchor;
let header: Record<string, unknown>;
let jws: string;
let value: Buffer;

beforeAll(async () => {
  party = await makeSigner();
  signer = anchorOf(party, 'signer');
  header = JSON.parse(
    Buffer.from(signatureHeader(party.certificate.fingerprint, SIGNED_AT), 'base64url').toString(),
  ) as typeof header;
  jws = await signManifest(MANIFEST, party, SIGNED_AT);
  value = Buffer.from(jws.split('.')[2] ?? '', 'base64url');
});

function encode(members: object): string {
  return Buffer.from(JSON.stringify(members)).toString('base64url');
}

function verdict(changed: string): string {
  return reasonOf(check({ jws: changed, manifest: MANIFEST, signer }));
}

function withValue(bytes: Uint8Array): string {
  const [encoded = ''] = jws.split('.');
  return `${encoded}..${Buffer.from(bytes).toString('base64url')}`;
}

test('the header by which factories sign is read, and says who and when', () => {
  expect(parseDetachedSignature(jws)).toMatchObject({
    outcome: 'done',
    value: { signer: party.certificate.fingerprint, signedAt: SIGNED_AT },
  });
});

describe('T006 header', () => {
  test('written in another order of members is the same header', async () => {
    const reordered = encode(Object.fromEntries(Object.entries(header).reverse()));
    expect(verdict(await signWithHeader(MANIFEST, party, reordered))).toBe('accepted');
  });

  test.each<[string, object]>([
    ['alg none', { alg: 'none' }],
    ['alg HS256', { alg: 'HS256' }],
    ['alg ES384', { alg: 'ES384' }],
    ['alg in other letters', { alg: 'es256' }],
    ['no alg', { alg: undefined }],
    ['an embedded jwk', { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }],
    ['an embedded x5c', { x5c: ['AAAA'] }],
    ['a jku', { jku: 'https://evil.example/keys' }],
    ['a kid', { kid: '../../x' }],
    ['an x5t beside it', { x5t: 'AA' }],
    ['a crit that is unknown', { crit: ['b64', 'exp'] }],
    ['an empty crit', { crit: [] }],
    ['no crit', { crit: undefined }],
    ['b64 true', { b64: true }],
    ['no b64', { b64: undefined }],
    ['another typ', { typ: 'JWT' }],
    ['no typ', { typ: undefined }],
    ['a hash that is too short', { 'x5t#S256': 'AAAA' }],
    ['no hash of a certificate', { 'x5t#S256': undefined }],
    ['no time', { iat: undefined }],
    ['a time as text', { iat: SIGNED_AT }],
    ['a fraction of a second', { iat: 1.5 }],
    ['a time before 1970', { iat: -1 }],
    ['a time after the year 9999', { iat: 253_402_300_800 }],
  ])('with %s is refused, though the pinned signer signed it', async (_title, change) => {
    const signed = await signWithHeader(MANIFEST, party, encode({ ...header, ...change }));
    expect(verdict(signed)).toBe('signature-malformed');
  });

  test('alg HS256 keyed with the public key of the signer is refused', () => {
    const encoded = encode({ ...header, alg: 'HS256' });
    const secret = party.certificate.x509.publicKey.export({ format: 'pem', type: 'spki' });
    const mac = createHmac('sha256', secret).update(`${encoded}.${MANIFEST}`).digest('base64url');
    expect(verdict(`${encoded}..${mac}`)).toBe('signature-malformed');
  });

  test('T018 a member called __proto__ is refused and changes no object', async () => {
    const text = `{"__proto__":{"alg":"ES256"},${JSON.stringify(header).slice(1)}`;
    const signed = await signWithHeader(MANIFEST, party, Buffer.from(text).toString('base64url'));
    expect(verdict(signed)).toBe('signature-malformed');
    expect('alg' in {}).toBe(false);
  });

  test.each(['', 'null', '[]', '"ES256"', '{'])('%j is refused', async (text) => {
    const signed = await signWithHeader(MANIFEST, party, Buffer.from(text).toString('base64url'));
    expect(verdict(signed)).toBe('signature-malformed');
  });
});

describe('T007 signature value', () => {
  const half = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
  const r = () => value.subarray(0, 32);
  const s = () => value.subarray(32);

  test.each<[string, () => Uint8Array]>([
    ['r is zero', () => Buffer.concat([half(0n), s()])],
    ['s is zero', () => Buffer.concat([r(), half(0n)])],
    ['both are zero', () => Buffer.alloc(64)],
    ['r is the order', () => Buffer.concat([half(ORDER), s()])],
    ['s is the order', () => Buffer.concat([r(), half(ORDER)])],
    ['both are the order', () => Buffer.concat([half(ORDER), half(ORDER)])],
    ['all bits are set', () => Buffer.alloc(64, 0xff)],
    ['r and s are swapped', () => Buffer.concat([s(), r()])],
  ])('is refused when %s', (_title, bytes) => {
    expect(verdict(withValue(bytes()))).toBe('signature-invalid');
  });

  test.each<[string, () => Uint8Array]>([
    ['in DER', () => derSignature()],
    ['with a byte behind it', () => Buffer.concat([value, Buffer.from([0])])],
    ['with a byte before it', () => Buffer.concat([Buffer.from([0]), value])],
    ['with a byte missing', () => value.subarray(0, 63)],
    ['of 48 byte halves', () => Buffer.concat([Buffer.alloc(16), r(), Buffer.alloc(16), s()])],
    ['of no bytes', () => Buffer.alloc(0)],
  ])('%s is not of this format', (_title, bytes) => {
    expect(verdict(withValue(bytes()))).toBe('signature-malformed');
  });

  test.each<[string, () => string]>([
    ['padding', () => `${jws}==`],
    ['a foreign character', () => `${jws.slice(0, -4)}*${jws.slice(-4)}`],
    ['white space inside', () => `${jws.slice(0, -4)} ${jws.slice(-4)}`],
    ['unused bits set', () => `${jws.slice(0, -1)}${nextCharacter(jws.slice(-1))}`],
  ])('written with %s is refused: one signature has one text', (_title, text) => {
    expect(verdict(text())).toBe('signature-malformed');
  });

  function derSignature(): Buffer {
    const integer = (bytes: Buffer) => {
      const signed = bytes.readUInt8(0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]);
      return Buffer.concat([Buffer.from([2, signed.length]), signed]);
    };
    const content = Buffer.concat([integer(r()), integer(s())]);
    return Buffer.concat([Buffer.from([0x30, content.length]), content]);
  }

  // 64 bytes end in a character of which only two bits count.
  function nextCharacter(character: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return alphabet.charAt(alphabet.indexOf(character) + 1);
  }
});

describe('form', () => {
  test.each<[string, () => string]>([
    ['an attached payload', () => jws.replace('..', `.${Buffer.from(MANIFEST).toString('base64url')}.`)],
    ['a part missing', () => jws.replace('..', '.')],
    ['a part more', () => `${jws}.`],
    ['two signatures', () => `${jws}\n${jws}`],
    ['the JSON serialisation', () => JSON.stringify({ protected: jws.split('.')[0], signature: jws.split('.')[2] })],
    ['nothing', () => ''],
    ['T019 a megabyte of full stops', () => '.'.repeat(1_000_000)],
  ])('refuses %s', (_title, text) => {
    expect(verdict(text())).toBe('signature-malformed');
  });
});
