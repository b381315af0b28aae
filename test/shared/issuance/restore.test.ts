// Are stored bytes believed only when they are what would be prepared?
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import type { DeviceId } from '../../../shared/identity/device-id.ts';
import { encodeName } from '../../../shared/issuance/name.ts';
import { prepareDelivery, prepareIssuing, prepareOperational, prepareRoot } from '../../../shared/issuance/prepare.ts';
import type { CertificateKind } from '../../../shared/issuance/profile.ts';
import { restorePrepared } from '../../../shared/issuance/restore.ts';
import type { SigningAlgorithm } from '../../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';
import { basic, extension, keyUsage, nameOf, purposes, SERVER_AUTH, weakKey } from '../../pki/crafted.ts';
import { children, readTlv, tlv } from '../../pki/der.ts';
import {
  CRL_URL,
  DEVICE,
  deviceOf,
  makeAuthorities,
  NOW,
  orderOf,
  requestOf,
  serial,
  valueOf,
  type Authorities,
} from './orders.ts';

const MALFORMED = expect.objectContaining({ name: 'Fault', code: 'row-malformed' }) as Error;

let authorities: Authorities;
beforeAll(async () => {
  authorities = await makeAuthorities('ES256', 'ES384');
});

const issuer = () => authorities.issuing.issuer;
const good = () => Buffer.from(valueOf(prepareOperational(orderOf(issuer()))).tbs);

function restore(tbs: Uint8Array) {
  return () => restorePrepared(tbs, issuer());
}

type Fields = readonly Buffer[];

function changed(change: (fields: Fields) => Fields): Buffer {
  return tlv(0x30, ...change(children(good())));
}

/** The field at this place: version, serial, algorithm, issuer, validity, subject, key, extensions. */
function withField(index: number, field: Buffer): Buffer {
  return changed((fields) => fields.map((each, at) => (at === index ? field : each)));
}

/** basicConstraints, keyUsage, extKeyUsage, subjectAltName, key identifiers, distribution points. */
function withExtensions(change: (list: Fields) => Fields): Buffer {
  return changed((fields) => {
    const list = children(readTlv(fields[7] ?? Buffer.alloc(0)).content);
    return [...fields.slice(0, 7), tlv(0xa3, tlv(0x30, ...change(list)))];
  });
}

function withExtension(index: number, other: Buffer): Buffer {
  return withExtensions((list) => list.map((each, at) => (at === index ? other : each)));
}

const times = (from: string, until: string) =>
  tlv(0x30, tlv(0x17, Buffer.from(`${from}Z`)), tlv(0x17, Buffer.from(`${until}Z`)));

describe('what was prepared', () => {
  test.each<[string, Partial<Parameters<typeof requestOf>[0]>]>([
    ['P-256', {}],
    ['P-384', { kind: 'P-384' }],
    ['RSA', { kind: 'RSA' }],
  ])('is the same proof again, for a key of %s', (_kind, wishes) => {
    const prepared = valueOf(prepareOperational(orderOf(issuer(), { request: requestOf(wishes) })));
    expect(restorePrepared(prepared.tbs, issuer())).toEqual(prepared);
  });

  test('is the same proof again, whatever the device, the time, the days, the serial and the URL', () => {
    const values = fc.record({
      id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
      start: fc.integer({ min: Date.parse('2026-12-01T00:00:00Z'), max: Date.parse('2030-01-01T00:00:00Z') }),
      validityDays: fc.integer({ min: 1, max: 397 }),
      number: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      place: fc.stringMatching(/^[a-z0-9/]{0,40}$/),
    });
    fc.assert(
      fc.property(values, ({ id, start, validityDays, number, place }) => {
        const order = {
          request: requestOf({}, deviceOf(id)),
          serial: number,
          notBefore: new Date(start).toISOString(),
          validityDays,
          crlUrl: `https://crl.example/${place}`,
        };
        const prepared = valueOf(prepareOperational(orderOf(issuer(), order)));
        expect(restorePrepared(prepared.tbs, issuer())).toEqual(prepared);
      }),
      { seed: 20261125, numRuns: 60 },
    );
  });

  test.each<[CertificateKind, SigningAlgorithm]>([
    ['root', 'ES256'],
    ['root', 'EdDSA'],
    ['issuing', 'ES384'],
    ['delivery', 'ES256'],
  ])('is the same proof again: %s, %s', async (kind, algorithm) => {
    const prepared = await prepareKind(kind, algorithm);
    const above = { root: undefined, issuing: authorities.root.issuer, delivery: issuer(), operational: issuer() };
    expect(restorePrepared(prepared.tbs, above[kind], kind)).toEqual(prepared);
  });
});

describe('nothing else is signed because it stood in a row', () => {
  test('of another kind: the bytes of an authority pass for no device’s, nor the other way round', async () => {
    const kinds = ['root', 'issuing', 'delivery', 'operational'] as const;
    for (const kind of kinds) {
      const { tbs } = await prepareKind(kind, 'ES256');
      for (const other of kinds)
        for (const above of [undefined, authorities.root.issuer, issuer()]) {
          if (other === kind && above?.name === ABOVE[kind]()?.name) continue;
          expect(() => restorePrepared(tbs, above, other), `${kind} as ${other}`).toThrow(MALFORMED);
        }
    }
  });

  test('for another issuer, also one of the same name', async () => {
    const other = (await makeAuthorities('ES256', 'ES384')).issuing.issuer;
    expect(other.name).toEqual(issuer().name);
    expect(() => restorePrepared(good(), other)).toThrow(MALFORMED);
  });

  test.each<[string, () => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['no DER', () => Buffer.from('row')],
    ['a byte behind it', () => Buffer.concat([good(), Buffer.from([0])])],
    ['a byte too few', () => good().subarray(0, -1)],
    ['a whole certificate', () => Buffer.from(authorities.issuing.issued.der)],
    ['version 1', () => changed((fields) => fields.slice(1))],
    ['a serial of 15 bytes', () => withField(1, tlv(0x02, Buffer.alloc(15, 7)))],
    ['a serial with other first bits', () => withField(1, tlv(0x02, Buffer.alloc(16, 7)))],
    ['another algorithm', () => withField(2, Buffer.from('300a06082a8648ce3d040302', 'hex'))],
    ['another issuer', () => withField(3, nameOf('Somebody'))],
    ['a second too many', () => withField(4, times('261125100000', '270223100000'))],
    ['400 days', () => withField(4, times('261125100000', '271230095959'))],
    ['a life behind its issuer’s', () => withField(4, times('311101000000', '320129235959'))],
    ['no device id', () => withField(5, nameOf('acme A1'))],
    ['an owner in a device’s subject', () => withField(5, encodeName({ commonName: DEVICE, owner: 'st-mary' }))],
    [
      'another attribute',
      () => withField(5, tlv(0x30, tlv(0x31, tlv(0x30, oid('550405'), tlv(0x0c, Buffer.from('A')))))),
    ],
    ['a weak key', () => withField(6, weakKey())],
    ['no key', () => withField(6, tlv(0x30))],
    ['cA', () => withExtension(0, basic(true))],
    ['no basicConstraints', () => withExtensions((list) => list.slice(1))],
    ['another keyUsage', () => withExtension(1, keyUsage('keyCertSign'))],
    ['another purpose', () => withExtension(2, purposes(SERVER_AUTH))],
    ['a purpose more', () => withExtension(2, purposes('2b06010505070302', SERVER_AUTH))],
    ['another name', () => withExtension(3, extension('551d11', tlv(0x30, tlv(0x82, Buffer.from('a.example')))))],
    ['another key identifier', () => withExtension(4, extension('551d0e', tlv(0x04, Buffer.alloc(20, 1))))],
    ['an extension more', () => withExtensions((list) => [...list, extension('2a0304', tlv(0x05))])],
    ['an extension twice', () => withExtensions((list) => [...list, ...list.slice(-1)])],
    ['extensions in another order', () => withExtensions((list) => list.toReversed())],
    ['no place for its list', () => withExtensions((list) => list.slice(0, -1))],
    ['another place for its list', () => withExtension(6, distributionPoint('ldap://crl.example/'))],
  ])('with %s', (_what, bytes) => {
    expect(restore(bytes())).toThrow(MALFORMED);
  });

  test('T026 only a root signs itself, and nobody signs a root of somebody else', async () => {
    const { issuer: above } = authorities.root;
    const { tbs: root } = await prepareKind('root', 'ES256');
    const crossSigned = signedBy(root, Buffer.from(above.name), Buffer.from(above.keyId));
    expect(() => restorePrepared(crossSigned, above, 'root')).toThrow(MALFORMED);
    const { tbs: issuing } = await prepareKind('issuing', 'ES256');
    const fields = children(Buffer.from(issuing));
    const selfSigned = signedBy(issuing, fields[5] ?? Buffer.alloc(0), ownKeyId(issuing));
    expect(() => restorePrepared(selfSigned, undefined, 'issuing')).toThrow(MALFORMED);
  });

  test('T034 with a name that is no device id, wherever it stands', () => {
    const request = { ...requestOf(), device: 'acme/+/A1' as DeviceId };
    const { tbs } = valueOf(prepareOperational(orderOf(issuer(), { request })));
    expect(restore(tbs)).toThrow(MALFORMED);
  });

  test('with another name than the one of a delivery key', async () => {
    const { tbs } = await prepareKind('delivery', 'ES256');
    const renamed = Buffer.from(Buffer.from(tbs).toString('latin1').replace('delivery of', 'ward key of'), 'latin1');
    expect(() => restorePrepared(tbs, issuer(), 'delivery')).not.toThrow();
    expect(() => restorePrepared(renamed, issuer(), 'delivery')).toThrow(MALFORMED);
  });

  test('with a place for the list of a root', async () => {
    const { tbs } = await prepareKind('root', 'ES256');
    const fields = children(Buffer.from(tbs));
    const list = children(readTlv(fields[7] ?? Buffer.alloc(0)).content);
    const extensions = tlv(0xa3, tlv(0x30, ...list, distributionPoint(CRL_URL)));
    expect(() => restorePrepared(tlv(0x30, ...fields.slice(0, 7), extensions), undefined, 'root')).toThrow(MALFORMED);
  });

  test('T017 with a key of a kind that no device has', async () => {
    const publicKey = Buffer.from(await new SoftwareCertificateSigner('EdDSA').publicKey());
    const request = { ...requestOf(), publicKey };
    const { tbs } = valueOf(prepareOperational(orderOf(issuer(), { request })));
    expect(restore(tbs)).toThrow(MALFORMED);
  });

  test('whatever byte is changed: the bytes are refused, or still a certificate of the profile and named as it is', () => {
    const bytes = good();
    const profile = extensionsIn(bytes);
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 1)
      for (const bit of [1, 0x80]) {
        const other = Buffer.from(bytes);
        other[at] = (other[at] ?? 0) ^ bit;
        const again = attempt(restore(other));
        if (again === undefined) refused += 1;
        else expect([Buffer.from(again.tbs), extensionsIn(again.tbs)]).toEqual([other, profile]);
      }
    // Serial, the last digits of times, the id twice, the key twice and the URL may be others; a single change fits few of them.
    expect(refused).toBeGreaterThan(bytes.length * 1.8);
  });
});

const ABOVE: Readonly<Record<CertificateKind, () => Authorities['root']['issuer'] | undefined>> = {
  root: () => undefined,
  issuing: () => authorities.root.issuer,
  delivery: issuer,
  operational: issuer,
};

async function prepareKind(kind: CertificateKind, algorithm: SigningAlgorithm) {
  const publicKey = await new SoftwareCertificateSigner(algorithm).publicKey();
  const order = { publicKey, owner: 'st-mary', serial: serial(3), notBefore: NOW };
  const crlUrl = CRL_URL;
  if (kind === 'root') return valueOf(prepareRoot({ ...order, name: 'Other Root' }));
  if (kind === 'delivery') return valueOf(prepareDelivery({ ...order, issuer: issuer(), crlUrl }));
  if (kind === 'operational') return valueOf(prepareOperational(orderOf(issuer())));
  return valueOf(prepareIssuing({ ...order, issuer: authorities.root.issuer, name: 'St Mary Wards', crlUrl }));
}

/** The same bytes, but for whom they name as their issuer. */
function signedBy(tbs: Uint8Array, name: Buffer, keyId: Buffer): Buffer {
  const fields = children(Buffer.from(tbs));
  const list = children(readTlv(fields[7] ?? Buffer.alloc(0)).content);
  const authorityKeyId = extension('551d23', tlv(0x30, tlv(0x80, keyId)));
  const extensions = list.map((each) => (each.includes(Buffer.from('0603551d23', 'hex')) ? authorityKeyId : each));
  const changes = new Map([
    [3, name],
    [7, tlv(0xa3, tlv(0x30, ...extensions))],
  ]);
  return tlv(0x30, ...fields.map((each, at) => changes.get(at) ?? each));
}

function ownKeyId(tbs: Uint8Array): Buffer {
  const list = children(readTlv(children(Buffer.from(tbs))[7] ?? Buffer.alloc(0)).content);
  return list.find((each) => each.includes(Buffer.from('0603551d0e', 'hex')))?.subarray(-20) ?? Buffer.alloc(0);
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

function distributionPoint(url: string): Buffer {
  const name = tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from(url))));
  return extension('551d1f', tlv(0x30, tlv(0x30, name)));
}

/** Without key identifiers, name and place, which follow from values. */
function extensionsIn(tbs: Uint8Array): readonly string[] {
  const list = children(readTlv(children(Buffer.from(tbs))[7] ?? Buffer.alloc(0)).content);
  return list.slice(0, 3).map((each) => each.toString('hex'));
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toEqual(MALFORMED);
    return undefined;
  }
}
