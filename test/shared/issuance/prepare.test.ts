// Do prepared bytes say exactly what the profile says, and nothing else?
import { createHash, randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import { readBody } from '../../../shared/identity/certificate-body.ts';
import { verifyPath } from '../../../shared/identity/path.ts';
import { commission } from '../../../shared/issuance/commission.ts';
import {
  prepareDelivery,
  prepareIssuing,
  prepareOperational,
  prepareRoot,
  type OperationalOrder,
} from '../../../shared/issuance/prepare.ts';
import { signVerified } from '../../../shared/signing/verified-signature.ts';
import type { SigningAlgorithm } from '../../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';
import { extensionRequest } from '../../pki/certificate-requests.ts';
import { basic, extension, nameOf, purposes, SERVER_AUTH } from '../../pki/crafted.ts';
import { children, readTlv, tlv } from '../../pki/der.ts';
import {
  CRL_URL,
  DEVICE,
  issue,
  issuerOf,
  makeAuthorities,
  NOW,
  orderOf,
  requestOf,
  serial,
  valueOf,
  type Authorities,
} from './orders.ts';

let authorities: Authorities;
beforeAll(async () => {
  authorities = await makeAuthorities();
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'));

function prepareFor(wishes: Partial<OperationalOrder> = {}) {
  return prepareOperational(orderOf(authorities.issuing.issuer, wishes));
}

/** Fields of a TBSCertificate; its extensions, each as a whole, by object identifier. */
function take(tbs: Uint8Array) {
  const fields = children(Buffer.from(tbs));
  const listed = children(readTlv(fields.at(-1) ?? Buffer.alloc(0)).content);
  const extensions = new Map(listed.map((each) => [children(each)[0]?.toString('hex') ?? '', each]));
  return { fields, extensions, listed };
}

describe('an operational certificate', () => {
  test('T084 holds the fields of the profile, byte for byte, and no others', () => {
    const request = requestOf();
    const { tbs } = valueOf(prepareFor({ request }));
    const { issuer } = authorities.issuing;
    const keyBits = readTlv(children(Buffer.from(request.publicKey))[1] ?? Buffer.alloc(0)).content.subarray(1);
    const uri = (text: string) => tlv(0x86, Buffer.from(text));
    const expected = tlv(
      0x30,
      tlv(0xa0, tlv(0x02, Buffer.from([2]))),
      tlv(0x02, Buffer.from(`47${'07'.repeat(15)}`, 'hex')),
      tlv(0x30, oid('2a8648ce3d040302')),
      Buffer.from(issuer.name),
      tlv(0x30, tlv(0x17, Buffer.from('261125100000Z')), tlv(0x17, Buffer.from('270223095959Z'))),
      nameOf(DEVICE),
      Buffer.from(request.publicKey),
      tlv(
        0xa3,
        tlv(
          0x30,
          extension('551d13', tlv(0x30), true),
          extension('551d0f', Buffer.from('03020780', 'hex'), true),
          extension('551d25', tlv(0x30, oid('2b06010505070302'))),
          extension('551d11', tlv(0x30, uri(`urn:wardkey:device:${DEVICE}`))),
          // RFC 7093 2, method 1.
          extension('551d0e', tlv(0x04, sha256(keyBits).subarray(0, 20))),
          extension('551d23', tlv(0x30, tlv(0x80, issuer.keyId))),
          extension('551d1f', tlv(0x30, tlv(0x30, tlv(0xa0, tlv(0xa0, uri(CRL_URL)))))),
        ),
      ),
    );
    expect(Buffer.from(tbs).toString('hex')).toBe(expected.toString('hex'));
  });

  test('T084 is the same whatever its request wished for', () => {
    const names = tlv(0x30, tlv(0x82, Buffer.from('ward.example')), tlv(0x87, Buffer.from([10, 0, 0, 1])));
    const wishes = [
      basic(true),
      extension('551d11', names),
      purposes(SERVER_AUTH),
      extension('2a0304', tlv(0x05), true),
    ];
    const wishing = valueOf(prepareFor({ request: requestOf({ attributes: [extensionRequest(...wishes)] }) }));
    expect(wishing.tbs).toEqual(valueOf(prepareFor()).tbs);
  });

  test('says in its proof what stands in its bytes, and whose signature it waits for', () => {
    const { tbs, ...prepared } = valueOf(prepareFor());
    expect(tbs.length).toBeGreaterThan(300);
    expect(prepared).toEqual({
      kind: 'operational',
      serial: `47${'07'.repeat(15)}`,
      commonName: DEVICE,
      notBefore: '2026-11-25T10:00:00.000Z',
      notAfter: '2027-02-23T09:59:59.000Z',
      keyFingerprint: requestOf().keyFingerprint,
      signer: authorities.issuing.issuer.publicKey,
      algorithm: 'ES256',
    });
  });

  test.each<[SigningAlgorithm, string]>([
    ['ES256', '300a06082a8648ce3d040302'],
    ['ES384', '300a06082a8648ce3d040303'],
    ['EdDSA', '300506032b6570'],
  ])('names the signature algorithm of its issuer: %s', async (algorithm, der) => {
    const { issuing } = await makeAuthorities(algorithm);
    const { tbs } = valueOf(prepareOperational(orderOf(issuing.issuer)));
    expect(take(tbs).fields[2]?.toString('hex')).toBe(der);
  });

  test('names its issuer as the issuer spells itself, byte for byte', async () => {
    const { root } = await makeAuthorities('ES384');
    const { tbs } = valueOf(prepareOperational(orderOf(root.issuer)));
    const body = valueOf(readBody(root.issued.certificate));
    expect(take(tbs).fields[3]).toEqual(Buffer.from(body.subject));
  });
});

describe('T091 time', () => {
  test('notAfter - notBefore + 1 s is the days that were asked for, exactly, whatever they are and whenever it starts', () => {
    const start = fc.integer({ min: Date.parse('2026-11-25T10:00:01Z'), max: Date.parse('2045-10-01T00:00:00Z') });
    const { issuer } = authorities.root;
    fc.assert(
      fc.property(start, fc.integer({ min: 1, max: 397 }), (time, validityDays) => {
        const notBefore = new Date(time).toISOString();
        const prepared = valueOf(prepareOperational({ ...orderOf(issuer, { notBefore }), validityDays }));
        const seconds = (Date.parse(prepared.notAfter) - Date.parse(prepared.notBefore)) / 1000 + 1;
        expect(seconds).toBe(validityDays * 86_400);
        expect(Date.parse(prepared.notBefore)).toBe(Math.floor(time / 1000) * 1000);
      }),
      { seed: 20261125, numRuns: 300 },
    );
  });

  test.each([0, -1, 398, 1.5, NaN, Infinity])('%d days: refused', (validityDays) => {
    expect(prepareFor({ validityDays })).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });

  test.each(['', 'now', '2026-11-25', '2026-11-25T10:00:00', '2026-11-25T10:00:00+01:00', '2026-13-25T10:00:00Z'])(
    'a start of "%s": refused',
    (notBefore) => {
      expect(prepareFor({ notBefore })).toMatchObject({
        refusal: { reason: 'request-malformed', problem: 'notBefore: expected a time in ISO 8601 and UTC' },
      });
    },
  );

  test('from 2050 on it is written as GeneralizedTime', async () => {
    const { issuer } = (await makeAuthorities()).root;
    const root = valueOf(
      prepareRoot({
        publicKey: issuer.publicKey,
        name: 'Late Root',
        owner: 'st-mary',
        serial: serial(1),
        notBefore: '2049-12-31T23:59:59Z',
        validityDays: 1,
      }),
    );
    const validity = children(take(root.tbs).fields[4] ?? Buffer.alloc(0));
    expect(validity).toEqual([tlv(0x17, Buffer.from('491231235959Z')), tlv(0x18, Buffer.from('20500101235958Z'))]);
  });

  test('a certificate ends with its issuer at the latest, to the second', () => {
    const { notAfter: issuerNotAfter } = authorities.issuing.issued.certificate;
    const last = new Date(Date.parse(issuerNotAfter) - 86_400_000 + 1000);
    expect(valueOf(prepareFor({ notBefore: last.toISOString(), validityDays: 1 })).notAfter).toBe(issuerNotAfter);
    const notBefore = new Date(last.getTime() + 1000).toISOString();
    const notAfter = new Date(Date.parse(issuerNotAfter) + 1000).toISOString();
    expect(prepareFor({ notBefore, validityDays: 1 })).toEqual({
      outcome: 'refused',
      refusal: { reason: 'authority-ends-first', notAfter, issuerNotAfter },
    });
  });
});

describe('T091 serial numbers', () => {
  test('100,000 of them are unique, positive, of 16 bytes, and keep 126 of their random bits', () => {
    const { issuer } = authorities.issuing;
    const order = orderOf(issuer);
    const seen = new Set<string>();
    const counts = new Uint32Array(128);
    for (let turn = 0; turn < 100; turn += 1) {
      const bytes = randomBytes(16_000);
      for (let at = 0; at < bytes.length; at += 16) {
        const random = bytes.subarray(at, at + 16);
        const number = valueOf(prepareOperational({ ...order, serial: random })).serial;
        seen.add(number);
        for (const [place, byte] of Buffer.from(number, 'hex').entries())
          for (let bit = 0; bit < 8; bit += 1) {
            const at = place * 8 + bit;
            counts[at] = (counts[at] ?? 0) + ((byte >> (7 - bit)) & 1);
          }
      }
    }
    expect(seen.size).toBe(100_000);
    expect([...seen].every((number) => /^[4-7][0-9a-f]{31}$/.test(number))).toBe(true);
    // Of a fair bit, 100,000 throws are further from the half than this once in 10^15.
    expect([...counts.subarray(2)].every((count) => Math.abs(count - 50_000) < 1_300)).toBe(true);
    expect([...counts.subarray(0, 2)]).toEqual([0, 100_000]);
  });

  test.each([
    ['only zero bits', 0x00, '40'],
    ['only ones', 0xff, '7f'],
  ])('T036 %s are a positive number of 16 bytes too', (_what, byte, first) => {
    const { tbs, serial: number } = valueOf(prepareFor({ serial: serial(byte) }));
    expect(number).toBe(first + byte.toString(16).padStart(2, '0').repeat(15));
    expect(take(tbs).fields[1]?.toString('hex')).toBe(`0210${number}`);
  });

  test.each([0, 8, 15, 17])('%i random bytes are a fault of the edge', (length) => {
    expect(() => prepareFor({ serial: Buffer.alloc(length, 7) })).toThrow('expected 16 random bytes');
  });

  test('what is prepared does not change when the random bytes are used again', () => {
    const random = serial(7);
    const { tbs } = valueOf(prepareFor({ serial: random }));
    const before = Buffer.from(tbs).toString('hex');
    expect(random).toEqual(serial(7));
    random.fill(9);
    expect(Buffer.from(tbs).toString('hex')).toBe(before);
  });
});

describe('where the revocation list is published', () => {
  test.each(['http://crl.example/a.crl', 'https://crl.example/a?b=c', `http://crl.example/${'a'.repeat(237)}`])(
    '%s is written',
    (crlUrl) => {
      expect(Buffer.from(valueOf(prepareFor({ crlUrl })).tbs).includes(crlUrl)).toBe(true);
    },
  );

  test.each([
    '',
    'crl.example/a.crl',
    '//crl.example/a.crl',
    'ftp://crl.example/a.crl',
    'ldap://crl.example/a',
    'file:///a.crl',
    'javascript:alert(1)',
    'http://user:secret@crl.example/a.crl',
    'http://user@crl.example/a.crl',
    'http://:secret@crl.example/a.crl',
    'http://crl.example/a.crl#b',
    'http://crl.example/a b',
    ' http://crl.example/a',
    'http://crl.example/a\n',
    'HTTP://crl.example/a.crl',
    'http://crl.example/ä',
    'http://ä.example/',
    'http://crl.example/../a.crl',
    `http://crl.example/${'a'.repeat(238)}`,
  ])('"%s": refused', (crlUrl) => {
    expect(prepareFor({ crlUrl })).toEqual({
      outcome: 'refused',
      refusal: {
        reason: 'request-malformed',
        problem: 'crlUrl: expected an http or https URL of at most 256 characters',
      },
    });
  });
});

describe("an owner's certificates", () => {
  const order = async (algorithm: SigningAlgorithm = 'ES256') => ({
    publicKey: await new SoftwareCertificateSigner(algorithm).publicKey(),
    owner: 'st-mary',
    serial: serial(3),
    notBefore: NOW,
  });
  const basicOf = (tbs: Uint8Array) => take(tbs).extensions.get('0603551d13');
  const usageOf = (tbs: Uint8Array) => take(tbs).extensions.get('0603551d0f');
  const oids = (tbs: Uint8Array) => [...take(tbs).extensions.keys()];

  test('a root says that it is an authority, signs certificates and lists, and names itself', async () => {
    const { tbs, algorithm, signer } = valueOf(prepareRoot({ ...(await order('ES384')), name: 'St Mary Root' }));
    expect(basicOf(tbs)).toEqual(basic(true));
    expect(usageOf(tbs)).toEqual(extension('551d0f', Buffer.from('03020106', 'hex'), true));
    expect(oids(tbs)).toEqual(['0603551d13', '0603551d0f', '0603551d0e', '0603551d23']);
    const { fields, extensions } = take(tbs);
    expect(fields[3]).toEqual(fields[5]);
    const own = extensions.get('0603551d0e')?.subarray(-20);
    expect(extensions.get('0603551d23')?.subarray(-20)).toEqual(own);
    expect([algorithm, fields[6]]).toEqual(['ES384', signer]);
  });

  test('an issuing CA has nothing but leaves below it, and need not say where its issuer’s list is', async () => {
    const { issuer } = authorities.root;
    const { tbs } = valueOf(prepareIssuing({ ...(await order()), issuer, name: 'St Mary Wards' }));
    expect(basicOf(tbs)).toEqual(basic(true, 0));
    expect(usageOf(tbs)).toEqual(extension('551d0f', Buffer.from('03020106', 'hex'), true));
    expect(oids(tbs)).toEqual(['0603551d13', '0603551d0f', '0603551d0e', '0603551d23']);
  });

  test('a delivery key agrees on secrets and does nothing else: neither a TLS client nor a signer', async () => {
    const { issuer } = authorities.issuing;
    const { tbs, commonName } = valueOf(prepareDelivery({ ...(await order()), issuer, crlUrl: CRL_URL }));
    expect(commonName).toBe('delivery of st-mary');
    expect(basicOf(tbs)).toEqual(basic(false));
    expect(usageOf(tbs)).toEqual(extension('551d0f', Buffer.from('03020308', 'hex'), true));
    expect(oids(tbs)).toEqual(['0603551d13', '0603551d0f', '0603551d0e', '0603551d23', '0603551d1f']);
  });

  test('T027 an issuing CA cannot stand below another one', async () => {
    const { issuer } = authorities.issuing;
    expect(prepareIssuing({ ...(await order()), issuer, name: 'St Mary Wards' })).toEqual({
      outcome: 'refused',
      refusal: { reason: 'path-too-long', most: 0, got: 1 },
    });
  });

  test('an issuing CA has another name than its root: it would look self-issued', async () => {
    const { issuer } = authorities.root;
    expect(prepareIssuing({ ...(await order()), issuer, name: 'St Mary Root' })).toMatchObject({
      refusal: { reason: 'request-malformed' },
    });
  });

  test.each(['', ' A', 'A ', 'A\nB', 'Ä', 'A/B', 'A=B', '=', `A${'b'.repeat(64)}`])(
    'an authority named "%s": refused',
    async (name) => {
      expect(prepareRoot({ ...(await order()), name })).toMatchObject({ refusal: { reason: 'request-malformed' } });
    },
  );

  test.each(['', 'St-Mary', 'root', 'a b', '-a'])('an owner "%s": refused', async (owner) => {
    expect(prepareRoot({ ...(await order()), owner, name: 'Root' })).toMatchObject({
      refusal: { reason: 'request-malformed', problem: 'owner: expected an owner id' },
    });
  });

  test('T017 the key is one that signers have, and of a delivery key P-256', async () => {
    const { issuer } = authorities.issuing;
    const spki = await new SoftwareCertificateSigner('ES256').publicKey();
    for (const publicKey of [Buffer.alloc(0), tlv(0x30), Buffer.concat([spki, Buffer.from([0])])])
      expect(prepareRoot({ ...(await order()), publicKey, name: 'Root' })).toEqual({
        outcome: 'refused',
        refusal: { reason: 'key-unsupported', key: 'none that a signer has' },
      });
    for (const algorithm of ['ES384', 'EdDSA'] as const)
      expect(prepareDelivery({ ...(await order(algorithm)), issuer, crlUrl: CRL_URL })).toEqual({
        outcome: 'refused',
        refusal: { reason: 'key-unsupported', key: algorithm },
      });
  });

  test.each([
    ['root', 9132],
    ['issuing', 3653],
    ['delivery', 397],
  ] as const)('the life of a certificate of the kind %s has an end', async (kind, most) => {
    const prepareKind = async (validityDays: number) => {
      const wishes = { ...(await order()), validityDays };
      if (kind === 'root') return prepareRoot({ ...wishes, name: 'Root' });
      if (kind === 'issuing')
        return prepareIssuing({ ...wishes, issuer: authorities.root.issuer, name: 'St Mary Wards' });
      return prepareDelivery({ ...wishes, issuer: authorities.issuing.issuer, crlUrl: CRL_URL });
    };
    expect((await prepareKind(most)).outcome).toBe('done');
    expect(await prepareKind(most + 1)).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });
});

describe('our own validator', () => {
  test('accepts what was issued, for use by a device', async () => {
    const { root, issuing } = await makeAuthorities();
    const { certificate } = await issue(issuing);
    const question = {
      leaf: certificate,
      issuers: [issuing.issued.certificate],
      anchors: [root.issued.certificate],
      now: NOW,
    };
    for (const usage of ['device', 'chip', 'any'] as const)
      expect(verifyPath({ ...question, usage }).outcome).toBe('done');
  });

  test('accepts no delivery certificate in a device’s place', async () => {
    const { root, issuing } = await makeAuthorities();
    const publicKey = await new SoftwareCertificateSigner('ES256').publicKey();
    const delivery = { publicKey, owner: 'st-mary', serial: serial(3), notBefore: NOW, crlUrl: CRL_URL };
    const { issuer, signer } = issuing;
    const prepared = valueOf(prepareDelivery({ ...delivery, issuer }));
    const { certificate: leaf } = commission(prepared, await signVerified(signer, prepared.tbs));
    const question = { leaf, issuers: [issuing.issued.certificate], anchors: [root.issued.certificate], now: NOW };
    expect(verifyPath({ ...question, usage: 'any' }).outcome).toBe('done');
    expect(verifyPath({ ...question, usage: 'device' })).toMatchObject({ refusal: { reason: 'usage-differs' } });
    expect(() => issuerOf(leaf)).toThrow('not-an-authority');
  });
});
