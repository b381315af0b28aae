// Is an entry of a Microchip manifest believed only as far as its own signer, id, certificate and key agree?
import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';

import { beforeAll, describe, expect, test } from 'vitest';

import { microchip } from '../../../../shared/whitelist/formats/microchip.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party } from '../../../pki/certificates.ts';
import {
  arrayOf,
  headerOf,
  makeChip,
  PROVISIONED,
  signElement,
  type ChipWishes,
} from '../../../pki/microchip-manifest.ts';
import { P384 } from '../../../pki/keys.ts';
import { withKey } from '../signed.ts';
import { contextOf, problemOf, readAll, resultsOf } from './reading.ts';

const ID = '0123f2408ea1fcf201';
const NAME = 'sn0123F2408EA1FCF201';

let authority: Party;
let signer: Party;
let leaf: Party;

beforeAll(async () => {
  authority = await makeAuthority('Microchip-like Root');
  signer = await makeSigner('Manifest Signer 005');
  leaf = await makeDevice(authority, NAME);
});

const context = (trusted = signer) => contextOf('mchp', [anchorOf(trusted, 'signer', 'mchp')]);

async function chip(wishes: Partial<ChipWishes> = {}, by = signer): Promise<string> {
  return makeChip(ID, by, { x5c: [leaf, authority], key: leaf, ...wishes });
}

async function resultOf(wishes: Partial<ChipWishes>): Promise<string> {
  return (await resultsOf(microchip, arrayOf(await chip(wishes)), context())).join();
}

test('reads a chip: its serial number, certificate, key, issuers, and who signed it when', async () => {
  const [read] = await readAll(microchip, arrayOf(await chip()), context());
  expect(read).toMatchObject({
    line: 1,
    entry: {
      outcome: 'done',
      value: {
        serial: ID,
        certificate: { fingerprint: leaf.certificate.fingerprint },
        keyFingerprint: leaf.certificate.keyFingerprint,
        chain: [{ fingerprint: authority.certificate.fingerprint }],
        signedBy: { signer: signer.certificate.fingerprint, signedAt: PROVISIONED },
      },
    },
  });
});

test('a chip with bare keys has a key and no certificate, under the fingerprint its certificate would give', async () => {
  const [read] = await readAll(microchip, arrayOf(await makeChip(ID, signer, { key: leaf })), context());
  const value = { serial: ID, keyFingerprint: leaf.certificate.keyFingerprint, chain: [] };
  expect(read?.entry).toMatchObject({ outcome: 'done', value });
  expect(read?.entry).not.toHaveProperty('value.certificate');
});

describe('signer', () => {
  test('trusts nobody when nobody is named', async () => {
    expect(await resultsOf(microchip, arrayOf(await chip()), contextOf('mchp'))).toEqual(['signer-unknown']);
  });

  test('T003 another certificate of the same name is another signer: trust is by certificate hash', async () => {
    const impostor = await makeSigner('Manifest Signer 005', { key: 'impostor' });
    expect(await resultsOf(microchip, arrayOf(await chip({}, impostor)), context())).toEqual(['signer-unknown']);
  });

  test('T003 the trusted hash over a signature by another key proves nothing', async () => {
    const impostor = await makeSigner('Manifest Signer 005', { key: 'impostor' });
    const text = arrayOf(await chip({ header: headerOf(signer) }, impostor));
    expect(await resultsOf(microchip, text, context())).toEqual(['signature-invalid']);
  });

  test('an anchor for another purpose, or of another manufacturer, is no signer', async () => {
    const text = arrayOf(await chip());
    for (const anchor of [anchorOf(signer, 'authority', 'mchp'), anchorOf(signer, 'signer', 'acme')]) {
      expect(await resultsOf(microchip, text, contextOf('mchp', [anchor]))).toEqual(['signer-unknown']);
    }
  });

  test('T004 an expired signer of an older reel is right, a new signature by it is wrong', async () => {
    const old = await makeSigner('Manifest Signer 004', {
      notBefore: '2023-07-18T00:00:00Z',
      notAfter: '2026-07-18T00:00:00Z',
    });
    const at = async (provisioned: string) => {
      const text = arrayOf(await chip({ provisioned }, old));
      return (await resultsOf(microchip, text, context(old))).join();
    };
    expect(await at('2026-07-18T00:00:00Z')).toBe('accepted');
    expect(await at('2026-07-18T00:00:00.001Z')).toBe('signer-not-valid');
    expect(await at('2023-07-17T23:59:59Z')).toBe('signer-not-valid');
  });

  test('T005 a signer until 9999-12-31 is valid until then', async () => {
    const forever = await makeSigner('Manifest Signer 006', { notAfter: '9999-12-31T23:59:59Z' });
    expect(forever.certificate.notAfter).toBe('9999-12-31T23:59:59.000Z');
    expect(await resultsOf(microchip, arrayOf(await chip({}, forever)), context(forever))).toEqual(['accepted']);
  });

  test('an entry from the future is refused', async () => {
    expect(await resultOf({ provisioned: '2026-11-24T12:00:00.001Z' })).toBe('signed-in-future');
    expect(await resultOf({ provisioned: '2026-11-24T12:00:00Z' })).toBe('accepted');
  });
});

describe('T006 a header that is not the one Microchip uses', () => {
  test.each<[string, object]>([
    ['no algorithm', { alg: 'none' }],
    ['a secret made of the public key', { alg: 'HS256' }],
    ['another curve', { alg: 'ES384' }],
    ['an embedded key', { jwk: { kty: 'EC' } }],
    ['an embedded certificate', { x5c: ['AAAA'] }],
    ['a critical extension', { crit: ['exp'], exp: 1 }],
    ['an unencoded payload', { b64: false }],
    ['a link to keys', { jku: 'https://example.com/keys' }],
    ['a key id that is a path', { kid: '../../x' }],
    ['a key id that is no text', { kid: 5 }],
    ['no type', { typ: undefined }],
    ['no certificate hash', { 'x5t#S256': undefined }],
    ['SHA-1 of the certificate', { x5t: 'AAAA' }],
  ])('refuses %s', async (_title, header) => {
    expect(await resultOf({ header })).toBe('signature-malformed');
  });
});

describe('T007 a signature that is not r and s of 32 bytes each', () => {
  const P1363 = /"signature": "([^"]+)"/;
  const N = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

  test.each<[string, (signature: Buffer) => Buffer, string]>([
    ['r of zero', (bytes) => Buffer.concat([Buffer.alloc(32), bytes.subarray(32)]), 'signature-invalid'],
    ['s of zero', (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)]), 'signature-invalid'],
    ['r of n', (bytes) => Buffer.concat([Buffer.from(N, 'hex'), bytes.subarray(32)]), 'signature-invalid'],
    ['s of n', (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.from(N, 'hex')]), 'signature-invalid'],
    ['a byte behind it', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), 'signature-malformed'],
    ['DER', (bytes) => Buffer.concat([Buffer.from('3044', 'hex'), bytes.subarray(0, 68)]), 'signature-malformed'],
    ['a byte less', (bytes) => bytes.subarray(1), 'signature-malformed'],
  ])('refuses %s', async (_title, change, reason) => {
    const text = (await chip()).replace(P1363, (_all, value: string) => {
      return `"signature": "${change(Buffer.from(value, 'base64url')).toString('base64url')}"`;
    });
    expect(await resultsOf(microchip, arrayOf(text), context())).toEqual([reason]);
  });

  test('refuses another spelling of the same bytes', async () => {
    // The last of 86 characters carries two bits that belong to no byte.
    const text = (await chip()).replace(P1363, (_all, value: string) => {
      const last = value.at(-1) ?? '';
      return `"signature": "${value.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}"`;
    });
    expect(await resultsOf(microchip, arrayOf(text), context())).toEqual(['signature-malformed']);
  });

  test('refuses a signer whose key is on another curve, with signatures of the same size', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const text = await chip();
    const { protected: header, payload } = JSON.parse(text) as Record<'protected' | 'payload', string>;
    const signed = Buffer.from(`${header}.${payload}`);
    const value = sign('sha256', signed, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    const other = withKey(anchorOf(signer, 'signer', 'mchp'), publicKey);
    const results = await resultsOf(
      microchip,
      arrayOf(text.replace(P1363, `"signature": "${value}"`)),
      contextOf('mchp', [other]),
    );
    expect(results).toEqual(['signature-invalid']);
  });
});

describe('members that nobody checks must not look checked', () => {
  test('in the element, and in its unsigned header', async () => {
    for (const change of [{ more: 1 }, { header: { uniqueId: ID, more: 1 } }]) {
      const element = JSON.stringify({ ...(JSON.parse(await chip()) as object), ...change });
      expect(await resultsOf(microchip, arrayOf(element), context())).toEqual(['manifest-malformed']);
    }
  });

  test('in a key: least of all a private one', async () => {
    const { x, y } = await webcrypto.subtle.exportKey('jwk', leaf.keys.publicKey);
    const keys = [{ kid: '0', kty: 'EC', crv: 'P-256', x, y, d: x }];
    expect(await resultOf({ payload: { publicKeySet: { keys } } })).toBe('manifest-malformed');
  });

  test('an issuer that is no certificate is refused, though nothing trusts it', async () => {
    const { x, y } = await webcrypto.subtle.exportKey('jwk', leaf.keys.publicKey);
    const keys = [{ kid: '0', kty: 'EC', crv: 'P-256', x, y, x5c: [leaf.der.toString('base64'), 'AAAA'] }];
    expect(await resultOf({ payload: { publicKeySet: { keys } } })).toBe('certificate-malformed');
  });
});

describe('ids and keys', () => {
  test('T008 the unsigned id must be the signed one', async () => {
    expect(await resultOf({ copy: '0123f2408ea1fcf202' })).toBe('id-differs');
    expect(await resultOf({ copy: ID.toUpperCase() })).toBe('id-differs');
  });

  test.each(['sn0123F2408EA1FCF202', 'sn0123f2408ea1fcf201', '0123F2408EA1FCF201', `${NAME} `])(
    'T009 the certificate of %j is not the one of this id',
    async (name) => {
      const other = await makeDevice(authority, name);
      expect(await resultOf({ x5c: [other], key: other })).toBe('id-differs');
    },
  );

  test('T010 the key beside the certificate must be the one in it', async () => {
    expect(await resultOf({ key: authority })).toBe('key-differs');
  });

  test('T010 a certificate with a key of another curve holds another key', async () => {
    const other = await makeDevice(authority, NAME, { curve: P384 });
    expect(await resultOf({ x5c: [other] })).toBe('key-differs');
  });

  test.each(['0123F2408EA1FCF201', '0123f2408ea1fcf20', '０1234567', '01\u0000234567', '012345\u202e67', '01234567 '])(
    'T020 %j is no id',
    async (uniqueId) => {
      expect(await resultOf({ payload: { uniqueId }, copy: uniqueId })).toBe('manifest-malformed');
    },
  );

  test('T017 a bare key that is no point of the curve is refused', async () => {
    const zero = Buffer.alloc(32).toString('base64url');
    const keys = [{ kid: '0', kty: 'EC', crv: 'P-256', x: zero, y: zero }];
    expect(await resultOf({ payload: { publicKeySet: { keys } } })).toBe('key-unsupported');
  });

  test.each<[string, object]>([
    ['no key', { publicKeySet: { keys: [] } }],
    ['another version', { version: 2 }],
    ['a time without zone', { provisioningTimestamp: '2026-06-01T20:14:53' }],
    ['a key without coordinates', { publicKeySet: { keys: [{ kid: '0', kty: 'EC', crv: 'P-256', x: '', y: '' }] } }],
  ])('refuses a payload with %s', async (_title, payload) => {
    expect(await resultOf({ payload })).toBe('manifest-malformed');
  });

  test('refuses two keys "0": readers would differ in which one is the identity', async () => {
    const [read] = await readAll(microchip, arrayOf(await chip()), context());
    expect(read?.entry.outcome).toBe('done');
    const { x, y } = await webcrypto.subtle.exportKey('jwk', leaf.keys.publicKey);
    const key = { kid: '0', kty: 'EC', crv: 'P-256', x, y };
    expect(await resultOf({ payload: { publicKeySet: { keys: [key, key] } } })).toBe('manifest-malformed');
  });
});

describe('T018 a member that stands twice, or is a prototype', () => {
  const element = (header: string, payload: string) => signElement(header, payload, { signer, uniqueId: ID });
  const header = () => JSON.stringify(headerOf(signer));

  test('is refused in the element', async () => {
    const text = (await chip()).replace('{', `{"signature":"AAAA",`);
    expect(await resultsOf(microchip, arrayOf(text), context())).toEqual(['manifest-malformed']);
  });

  test('is refused in the signed header', async () => {
    const text = await element(header().replace('{', '{"alg":"none",'), '{}');
    expect(await resultsOf(microchip, arrayOf(text), context())).toEqual(['signature-malformed']);
  });

  test.each([`{"uniqueId":"${ID}","uniqueId":"00000000"}`, '{"__proto__":{"polluted":1}}'])(
    'is refused in the signed payload: %s',
    async (payload) => {
      const read = await readAll(microchip, arrayOf(await element(header(), payload)), context());
      expect(read.map(problemOf)).toEqual([expect.stringContaining('payload: ')]);
      expect('polluted' in {}).toBe(false);
    },
  );
});

describe('T002 one entry that was touched', () => {
  test.each(['protected', 'payload', 'signature'] as const)(
    'is refused when any 7th byte of its %s is another, and the others stand',
    async (member) => {
      const second = await makeDevice(authority, 'sn0123F2408EA1FCF299');
      const others = await makeChip('0123f2408ea1fcf299', signer, { x5c: [second], key: second });
      const element = await chip();
      const value = (JSON.parse(element) as Record<string, string>)[member] ?? '';
      for (let at = 0; at < value.length; at += 7) {
        const code = value.charCodeAt(at) ^ 1;
        const touched = `${value.slice(0, at)}${String.fromCharCode(code)}${value.slice(at + 1)}`;
        const results = await resultsOf(microchip, arrayOf(element.replace(value, touched), others), context());
        expect([at, results[0] === 'accepted', results[1]]).toEqual([at, false, 'accepted']);
      }
    },
  );
});
