// Is a request heard only from whoever holds its key, in this device's name, and is nothing else of it read?
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseCertificateRequest } from '../../../shared/issuance/certificate-request.ts';
import { craftRequest, extensionRequest, type RequestWishes } from '../../pki/certificate-requests.ts';
import { basic, extension, keysOf, nameOf, spkiOf, weakKey, type KeyKind } from '../../pki/crafted.ts';
import { children, readTlv, tlv, withIndefiniteLength, withLongLength } from '../../pki/der.ts';
import { DEVICE, deviceOf, requestOf } from './orders.ts';

function ask(wishes: Partial<RequestWishes> = {}, device = DEVICE) {
  return parse(craftRequest({ name: device, ...wishes }), device);
}

function parse(der: Uint8Array, device = DEVICE) {
  return parseCertificateRequest(der, { device });
}

function refusalOf(outcome: ReturnType<typeof parse>) {
  return outcome.outcome === 'refused' ? outcome.refusal : undefined;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a request', () => {
  test.each<[KeyKind, 'sha256' | 'sha384' | 'sha512']>([
    ['P-256', 'sha256'],
    ['P-256', 'sha384'],
    ['P-384', 'sha384'],
    ['P-384', 'sha256'],
    ['RSA', 'sha256'],
    ['RSA', 'sha512'],
  ])('of %s, signed over %s with the key that it names, is heard', (kind, digest) => {
    const der = craftRequest({ name: DEVICE, kind, digest });
    const spki = spkiOf(keysOf(`key of ${DEVICE}`, kind));
    const proof = { device: DEVICE, publicKey: spki, keyFingerprint: sha256(spki), digest: sha256(der) };
    expect(parse(der)).toEqual({ outcome: 'done', value: proof });
  });

  test('may write the id as PrintableString, where it has no underscore', () => {
    const named = (id: string) => tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME, tlv(0x13, Buffer.from(id)))));
    expect(ask({ subject: named('acme-A1') }, deviceOf('acme-A1')).outcome).toBe('done');
    expect(refusalOf(ask({ subject: named(DEVICE) }))).toEqual({
      reason: 'subject-differs',
      expected: DEVICE,
      got: DEVICE,
    });
  });

  test('of exactly 4,096 bytes is heard, and of one byte more refused before anything of it is read', () => {
    const padded = (length: number) =>
      craftRequest({ name: DEVICE, attributes: [extensionRequest(extension('2a0304', Buffer.alloc(length)))] });
    let length = 3_800;
    // A signature is 70 to 72 bytes long: sign again until it fits.
    let der = padded(length);
    while (der.length !== 4096) {
      length += Math.sign(4096 - der.length);
      der = padded(length);
    }
    expect(parse(der).outcome).toBe('done');
    expect(refusalOf(parse(Buffer.concat([der, Buffer.from([0])])))).toEqual({
      reason: 'csr-malformed',
      problem: 'expected at most 4096 bytes, got 4097',
    });
  });

  test('T084 that wishes for more, such as cA, gives the same proof as one that does not: nobody reads it', () => {
    const attributes = [extensionRequest(basic(true, 3)), tlv(0x30, COMMON_NAME, tlv(0x31))];
    const { digest, ...wishing } = requestOf({ attributes });
    const { digest: other, ...modest } = requestOf();
    expect(wishing).toEqual(modest);
    expect(digest).not.toBe(other);
  });
});

describe('T083 without proof of possession there is no request', () => {
  const stranger = keysOf('stranger');

  test.each<[string, Partial<RequestWishes>]>([
    ['signed with another key', { signedBy: stranger }],
    ['that names the key of somebody else', { spki: spkiOf(stranger) }],
    ['with the signature of another request', { changeOuter: swapSignature(craftRequest({ name: 'acme-B2' })) }],
    ['with a bit of the signature changed', { changeOuter: ([a, b, c]) => [a, b, flipLast(c)] as Buffer[] }],
    ['of an EC key, signed as RSA', { signedBy: keysOf('stranger', 'RSA') }],
    ['of an RSA key, signed as EC', { kind: 'RSA', signedBy: stranger }],
    ['with an empty signature', { changeOuter: ([a, b]) => [a, b, tlv(0x03, Buffer.from([0]))] as Buffer[] }],
  ])('%s: possession-unproved, with the key that it names', (_what, wishes) => {
    const spki = wishes.spki ?? spkiOf(keysOf(`key of ${DEVICE}`, wishes.kind));
    expect(refusalOf(ask(wishes))).toEqual({ reason: 'possession-unproved', key: sha256(spki) });
  });

  test('each byte that was signed is covered', () => {
    const der = craftRequest({ name: DEVICE, attributes: [extensionRequest(basic(false))] });
    const signed = readTlv(readTlv(der).content).whole.length;
    const start = der.length - readTlv(der).content.length;
    for (let at = start; at < start + signed; at += 1) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect([at, parse(changed).outcome]).toEqual([at, 'refused']);
    }
  });

  test.each(['sha1'] as const)('signed over %s: an algorithm outside the profile', (digest) => {
    expect(refusalOf(ask({ digest }))).toEqual({ reason: 'signature-unsupported', algorithm: '1.2.840.10045.4.1' });
  });
});

describe('T034 the subject is compared as bytes, and never copied', () => {
  const cn = (text: string, tag = 0x0c) => tlv(0x30, COMMON_NAME, tlv(tag, Buffer.from(text)));
  const o = (text: string) => tlv(0x30, Buffer.from('060355040a', 'hex'), tlv(0x0c, Buffer.from(text)));

  test.each<[string, Buffer, string]>([
    ['another device', nameOf('acme-B2'), 'acme-B2'],
    ['another case', nameOf(DEVICE.toLowerCase()), DEVICE.toLowerCase()],
    ['nobody', tlv(0x30), 'no name of a device'],
    ['the id and a newline', nameOf(`${DEVICE}\n`), 'no name of a device'],
    ['a text that looks like two names', nameOf(`${DEVICE}, CN=acme-B2`), 'no name of a device'],
    ['two common names', tlv(0x30, tlv(0x31, cn(DEVICE)), tlv(0x31, cn('acme-B2'))), 'no name of a device'],
    ['the id twice', tlv(0x30, tlv(0x31, cn(DEVICE)), tlv(0x31, cn(DEVICE))), 'no name of a device'],
    ['an organization too', tlv(0x30, tlv(0x31, o('acme')), tlv(0x31, cn(DEVICE))), 'no name of a device'],
    ['two attributes in one set', tlv(0x30, tlv(0x31, cn(DEVICE), o('acme'))), DEVICE],
    ['the id as T61String', tlv(0x30, tlv(0x31, cn(DEVICE, 0x14))), DEVICE],
    ['the id as organization', tlv(0x30, tlv(0x31, o(DEVICE))), 'no name of a device'],
    ['a very long text', nameOf('a'.repeat(65)), 'no name of a device'],
  ])('%s: subject-differs', (_what, subject, got) => {
    expect(refusalOf(ask({ subject }))).toEqual({ reason: 'subject-differs', expected: DEVICE, got });
  });

  test('any other text is another subject', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        fc.pre(text !== DEVICE);
        expect(refusalOf(ask({ subject: nameOf(text) }))?.reason).toBe('subject-differs');
      }),
      { seed: 20261125, numRuns: 60 },
    );
  });
});

describe('T017 the key is one that devices are trusted with', () => {
  const spki = spkiOf(keysOf('a point'));

  test.each<[string, Buffer, string]>([
    ['RSA of 1024 bits', weakKey(), 'rsa of 1024 bits'],
    ['Ed25519, which AWS IoT Core does not take', export25519('ed25519'), 'ed25519'],
    ['X25519', export25519('x25519'), 'x25519'],
    ['P-521', spkiOfCurve('P-521'), 'ec, secp521r1, not as a named P-256 or P-384 key'],
    ['secp256k1', spkiOfCurve('secp256k1'), 'ec, secp256k1, not as a named P-256 or P-384 key'],
    ['T033 explicit parameters', explicitParameters(), 'ec, prime256v1, not as a named P-256 or P-384 key'],
    ['a compressed point', compressed(spki), 'ec, prime256v1, not as a named P-256 or P-384 key'],
    ['a point that is not on the curve', flipLast(spki), 'unreadable'],
    ['no key at all', tlv(0x30), 'unreadable'],
  ])('%s: key-unsupported', (_what, key, name) => {
    expect(refusalOf(ask({ spki: key }))).toEqual({ reason: 'key-unsupported', key: name });
  });

  test('one key has one form: an RSA key without the NULL of its algorithm would have a second fingerprint', () => {
    const [, bits] = children(spkiOf(keysOf(`key of ${DEVICE}`, 'RSA'))) as [Buffer, Buffer];
    const bare = tlv(0x30, tlv(0x30, Buffer.from('06092a864886f70d010101', 'hex')), bits);
    expect(createPublicKey({ key: bare, format: 'der', type: 'spki' }).asymmetricKeyType).toBe('rsa');
    expect(refusalOf(ask({ kind: 'RSA', spki: bare }))?.reason).toBe('csr-malformed');
  });
});

describe('T036 a request has one form', () => {
  const good = craftRequest({ name: DEVICE });
  const replace = (index: number, field: Buffer) => ({
    change: (fields: readonly Buffer[]) => fields.map((each, at) => (at === index ? field : each)),
  });

  test.each<[string, Buffer]>([
    ['no bytes', Buffer.alloc(0)],
    ['a byte behind it', Buffer.concat([good, Buffer.from([0])])],
    ['a byte too few', good.subarray(0, -1)],
    ['a length in more bytes than needed', withLongLength(good)],
    ['an indefinite length', withIndefiniteLength(good)],
    ['a set', tlv(0x31, readTlv(good).content)],
    ['a fourth element', tlv(0x30, readTlv(good).content, tlv(0x05))],
    ['an unsigned one', tlv(0x30, readTlv(readTlv(good).content).whole)],
    ['PEM', Buffer.from(`-----BEGIN CERTIFICATE REQUEST-----\n${good.toString('base64')}\n`)],
  ])('%s: csr-malformed', (_what, der) => {
    expect(refusalOf(parse(der))).toMatchObject({ reason: 'csr-malformed' });
  });

  test.each<[string, Partial<RequestWishes>]>([
    ['version 2', replace(0, tlv(0x02, Buffer.from([1])))],
    ['a version in two bytes', replace(0, tlv(0x02, Buffer.from([0, 0])))],
    ['a subject that is a set', replace(1, tlv(0x31))],
    ['a key that is a set', replace(2, tlv(0x31, readTlv(spkiOf(keysOf('a point'))).content))],
    ['no attributes, not even an empty set of them', { change: (fields) => fields.slice(0, 3) }],
    ['attributes under another tag', replace(3, tlv(0xa1))],
    ['a fifth field', { change: (fields) => [...fields, tlv(0x05)] }],
    ['an attribute without values', { attributes: [tlv(0x30, COMMON_NAME)] }],
    ['an attribute without a type', { attributes: [tlv(0x30, tlv(0x31), tlv(0x31))] }],
    ['an attribute with more than values', { attributes: [tlv(0x30, COMMON_NAME, tlv(0x31), tlv(0x05))] }],
    ['an attribute whose values are no set', { attributes: [tlv(0x30, COMMON_NAME, tlv(0x30))] }],
    ['an attribute with broken values', { attributes: [tlv(0x30, COMMON_NAME, tlv(0x31, Buffer.from([5])))] }],
  ])('%s: csr-malformed, although its signature is good', (_what, wishes) => {
    expect(refusalOf(ask(wishes))).toMatchObject({ reason: 'csr-malformed' });
  });

  test('whatever bytes come, the answer is a refusal and never a fault', () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.uint8Array({ maxLength: 40 }),
        (changes, tail) => {
          const der = Buffer.concat([good, tail]);
          for (const [at, byte] of changes) der[at] = byte;
          fc.pre(!der.equals(good));
          expect(parse(der).outcome).toBe('refused');
        },
      ),
      { seed: 20261125, numRuns: 500 },
    );
  });
});

const COMMON_NAME = Buffer.from('0603550403', 'hex');

function swapSignature(other: Buffer) {
  return ([content, algorithm]: readonly Buffer[]) => [content, algorithm, children(other)[2]] as Buffer[];
}

function flipLast(bytes: Buffer | undefined): Buffer {
  const changed = Buffer.from(bytes ?? []);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

function export25519(kind: 'ed25519' | 'x25519'): Buffer {
  const { publicKey } = kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
  return publicKey.export({ format: 'der', type: 'spki' });
}

function spkiOfCurve(namedCurve: string): Buffer {
  return generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'der', type: 'spki' });
}

function explicitParameters(): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  return publicKey.export({ format: 'der', type: 'spki' });
}

/** 02 or 03 and x. */
function compressed(spki: Buffer): Buffer {
  const [algorithm] = children(spki) as [Buffer];
  const point = Buffer.concat([Buffer.from([0, 2 + ((spki.at(-1) ?? 0) & 1)]), spki.subarray(27, 59)]);
  return tlv(0x30, algorithm, tlv(0x03, point));
}
