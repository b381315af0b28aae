// Does a path end at an anchor only when every rule of the profile holds, and does a refusal say which one failed?
import { beforeAll, describe, expect, test } from 'vitest';

import type { Certificate } from '../../../shared/identity/certificate.ts';
import { verifyPath, type PathQuestion } from '../../../shared/identity/path.ts';
import {
  ANY_PURPOSE,
  basic,
  CLIENT_AUTH,
  craft,
  craftAuthority,
  craftDevice,
  extension,
  keyIds,
  keysOf,
  keyUsage,
  purposes,
  SERVER_AUTH,
  weakKey,
  type Crafted,
  type CraftWishes,
} from '../../pki/crafted.ts';
import { tlv } from '../../pki/der.ts';

const NOW = '2026-11-24T12:00:00.000Z';

let root: Crafted;
let upper: Crafted;
let lower: Crafted;

beforeAll(() => {
  root = craftAuthority({ name: 'Root' });
  upper = craftAuthority({ name: 'Upper', issuer: root });
  lower = craftAuthority({ name: 'Lower', issuer: upper });
});

type Asked = Partial<Omit<PathQuestion, 'leaf' | 'issuers' | 'anchors'>> & { readonly anchors?: readonly Crafted[] };

function ask(leaf: Crafted, issuers: readonly Crafted[] = [], { anchors = [root], ...asked }: Asked = {}) {
  const of = (all: readonly Crafted[]): readonly Certificate[] => all.map(({ certificate }) => certificate);
  const question = { leaf: leaf.certificate, issuers: of(issuers), anchors: of(anchors) };
  return verifyPath({ usage: 'device', now: NOW, ...question, ...asked });
}

function reasonOf(...question: Parameters<typeof ask>): string {
  const path = ask(...question);
  return path.outcome === 'done' ? 'accepted' : path.refusal.reason;
}

const device = (issuer: Crafted, wishes: Partial<CraftWishes> = {}) => craftDevice({ name: 'A1', issuer, ...wishes });

describe('finds the path', () => {
  test.each([0, 1, 2])('over %i issuers, in whatever order they were brought', (between) => {
    const issuers = [upper, lower].slice(0, between);
    const leaf = device([root, upper, lower][between] ?? root);
    for (const brought of [issuers, issuers.toReversed(), [lower, root, upper]]) {
      const path = ask(leaf, brought);
      expect(path).toMatchObject({ outcome: 'done', value: { leaf: leaf.certificate, anchor: root.certificate } });
      if (path.outcome === 'done')
        expect(path.value.issuers).toEqual(issuers.toReversed().map(({ certificate }) => certificate));
    }
  });

  test.each(['P-256', 'P-384', 'RSA'] as const)('through a %s key, with each of the three hashes', (kind) => {
    const anchor = craftAuthority({ name: 'Kind', kind });
    for (const digest of ['sha256', 'sha384', 'sha512'] as const) {
      expect(reasonOf(device(anchor, { digest, kind }), [], { anchors: [anchor] })).toBe('accepted');
    }
  });

  test('to an authority between, pinned itself: it need not know who is above', () => {
    expect(ask(device(lower), [lower, upper], { anchors: [upper] })).toMatchObject({
      value: { anchor: upper.certificate },
    });
  });

  test('around an issuer of the same name that leads nowhere', () => {
    const stray = craftAuthority({ name: 'Upper', issuer: craftAuthority({ name: 'Stranger' }) });
    const twin = craftAuthority({ name: 'Upper', key: 'twin', issuer: root });
    expect(reasonOf(device(upper), [stray, twin, upper])).toBe('accepted');
  });

  test('beside an issuer and an anchor that cannot even be read', () => {
    const broken = craft({ name: 'Upper', issuer: root, serial: '00' });
    expect(reasonOf(device(upper), [broken, upper], { anchors: [broken, root] })).toBe('accepted');
  });
});

describe('refuses', () => {
  test('everything without an anchor: absence is no permission', () => {
    const leaf = device(root);
    expect(ask(leaf, [], { anchors: [] })).toEqual({
      outcome: 'refused',
      refusal: { reason: 'path-unknown', subject: leaf.certificate.fingerprint, anchors: 0 },
    });
    expect(reasonOf(leaf, [root], { anchors: [] })).toBe('path-unknown');
  });

  test('T003 a signature by a key of the same name, and names both certificates', () => {
    const twin = craftAuthority({ name: 'Root', key: 'twin' });
    const leaf = device(twin);
    expect(ask(leaf)).toMatchObject({
      refusal: {
        reason: 'certificate-signature-invalid',
        certificate: leaf.certificate.fingerprint,
        issuer: root.certificate.fingerprint,
      },
    });
  });

  test('the same key under another name, and names that differ by case or by the kind of their string', () => {
    expect(reasonOf(device(craftAuthority({ name: 'Other', key: 'Root' })))).toBe('path-unknown');
    expect(reasonOf(device(craftAuthority({ name: 'ROOT', key: 'Root' })))).toBe('path-unknown');
    const printable = tlv(0x30, tlv(0x31, tlv(0x30, Buffer.from('0603550403', 'hex'), tlv(0x13, Buffer.from('Root')))));
    expect(reasonOf(device({ ...root, subject: printable }))).toBe('path-unknown');
  });

  test('a path with a link left out, and says where it ends', () => {
    const leaf = device(lower);
    expect(ask(leaf, [upper])).toMatchObject({ refusal: { subject: leaf.certificate.fingerprint } });
    expect(ask(leaf, [lower])).toMatchObject({ refusal: { subject: lower.certificate.fingerprint } });
  });

  test('a certificate as its own issuer, trusted or not', () => {
    const self = craftAuthority({ name: 'Self' });
    expect(reasonOf(self, [self], { usage: 'any' })).toBe('path-unknown');
    expect(reasonOf(self, [self], { usage: 'any', anchors: [self] })).toBe('path-unknown');
  });

  test('signatures outside the profile, before their key is asked', () => {
    expect(ask(device(root, { digest: 'sha1' }))).toMatchObject({
      refusal: { reason: 'signature-unsupported', algorithm: '1.2.840.10045.4.1' },
    });
  });

  test('T017 issuers whose keys are too weak, and leaves too', () => {
    const weak = craftAuthority({ name: 'Weak', spki: weakKey() });
    expect(reasonOf(device({ ...weak, subject: weak.subject }), [], { anchors: [weak] })).toBe('key-unsupported');
    expect(reasonOf(device(root, { spki: weakKey() }))).toBe('key-unsupported');
  });
});

describe('T026 an issuer that is no authority', () => {
  const issuing = (extensions: readonly Buffer[], wishes: Partial<CraftWishes> = {}) => {
    const ids = keyIds(keysOf('Plain'), root.keys);
    return craft({ name: 'Plain', issuer: root, extensions: [...extensions, ...ids], ...wishes });
  };
  test.each<[string, () => Crafted]>([
    ['says nothing of it', () => issuing([])],
    ['has keyUsage keyCertSign only', () => issuing([keyUsage('keyCertSign')])],
    ['says cA FALSE', () => issuing([basic(false), keyUsage('digitalSignature')])],
    ['says cA FALSE and keyCertSign', () => issuing([basic(false), keyUsage('keyCertSign')])],
    [
      'says cA and a keyUsage without keyCertSign',
      () => issuing([basic(true), keyUsage('digitalSignature', 'cRLSign')]),
    ],
    ['is a device', () => device(root)],
    ['has version 1', () => craft({ name: 'V1', issuer: root, change: ([, ...fields]) => fields })],
    [
      'has version 2',
      () =>
        craft({ name: 'V2', issuer: root, change: ([, ...fields]) => [Buffer.from('a003020101', 'hex'), ...fields] }),
    ],
  ])('%s: trusted or not, what it signed is refused', (_title, make) => {
    const issuer = make();
    for (const [issuers, asked] of [
      [[issuer], {}],
      [[], { anchors: [issuer] }],
    ] as const) {
      expect(ask(device(issuer, { name: 'B1' }), issuers, asked)).toMatchObject({
        refusal: { reason: 'not-an-authority', fingerprint: issuer.certificate.fingerprint },
      });
    }
  });

  test('without keyUsage it is not restricted: genuine chip roots have none', () => {
    expect(reasonOf(device(issuing([basic(true)])), [issuing([basic(true)])])).toBe('accepted');
  });
});

describe('T027 an authority that limits how many stand below it', () => {
  const limited = (pathLength: number) => craftAuthority({ name: 'Limited', issuer: root, pathLength });

  test('pathLen 0: a device, and no authority', () => {
    const issuer = limited(0);
    const below = craftAuthority({ name: 'Below', issuer });
    expect(reasonOf(device(issuer), [issuer])).toBe('accepted');
    expect(ask(device(below), [issuer, below])).toMatchObject({
      refusal: { reason: 'path-too-long', most: 0, got: 1 },
    });
  });

  test('pathLen 1: one authority', () => {
    const issuer = limited(1);
    const below = craftAuthority({ name: 'Below', issuer });
    expect(reasonOf(device(below), [issuer, below])).toBe('accepted');
  });

  test('of an anchor, too', () => {
    const anchor = craftAuthority({ name: 'Short', pathLength: 0 });
    const below = craftAuthority({ name: 'Below', issuer: anchor });
    expect(reasonOf(device(anchor), [], { anchors: [anchor] })).toBe('accepted');
    expect(reasonOf(device(below), [below], { anchors: [anchor] })).toBe('path-too-long');
  });

  test('an authority that issued itself a new key is not counted', () => {
    const anchor = craftAuthority({ name: 'Rolled', pathLength: 0 });
    const next = craftAuthority({ name: 'Rolled', key: 'next', issuer: anchor, pathLength: 0 });
    expect(reasonOf(device(next), [next], { anchors: [anchor] })).toBe('accepted');
  });

  test('the profile itself: three certificates below an anchor, and fewer where they are asked for', () => {
    const lowest = craftAuthority({ name: 'Lowest', issuer: lower });
    expect(ask(device(lowest), [lowest, lower, upper])).toMatchObject({
      refusal: { reason: 'path-too-long', most: 2, got: 3 },
    });
    expect(reasonOf(device(lower), [lower, upper], { mostBetween: 9 })).toBe('accepted');
    expect(reasonOf(device(lowest), [lowest, lower, upper], { mostBetween: 9 })).toBe('path-too-long');
    expect(reasonOf(device(upper), [upper], { mostBetween: 0 })).toBe('path-too-long');
  });
});

describe('T028 a critical extension that is not known', () => {
  const strange = extension('2b0601040183b3220163', tlv(0x05), true);
  const plain = extension('2b0601040183b3220163', tlv(0x05));
  const withMore = (more: Buffer, party: 'device' | 'issuer' | 'anchor') => {
    const ca = [basic(true), keyUsage('keyCertSign'), ...keyIds(keysOf('CA'), root.keys)];
    const issuer = craft({ name: 'CA', issuer: root, extensions: party === 'device' ? ca : [...ca, more] });
    const own = [basic(false), keyUsage('digitalSignature'), purposes(CLIENT_AUTH)];
    const leaf = device(issuer, { extensions: party === 'device' ? [...own, more] : own });
    return party === 'anchor' ? ask(leaf, [], { anchors: [issuer] }) : ask(leaf, [issuer]);
  };

  test.each(['device', 'issuer', 'anchor'] as const)(
    'refuses the path with its number, on the %s; one that is not critical passes',
    (party) => {
      expect(withMore(strange, party)).toMatchObject({
        refusal: { reason: 'extension-unknown', oid: '1.3.6.1.4.1.55714.1.99' },
      });
      expect(withMore(plain, party)).toMatchObject({ outcome: 'done' });
    },
  );

  test.each([
    ['T032 nameConstraints', '551d1e'],
    ['policyConstraints', '551d24'],
    ['inhibitAnyPolicy', '551d36'],
  ])('%s, which we do not process, refuses the path also where the mark was left out', (_title, oid) => {
    for (const critical of [true, false])
      for (const party of ['device', 'issuer', 'anchor'] as const)
        expect(withMore(extension(oid, tlv(0x30), critical), party)).toMatchObject({
          refusal: { reason: 'extension-unknown' },
        });
  });

  test('of an issuer that is not in the path refuses nothing', () => {
    const other = craft({ name: 'Other', issuer: root, extensions: [strange] });
    expect(reasonOf(device(upper), [other, upper], { anchors: [other, root] })).toBe('accepted');
  });
});

describe('T029 time', () => {
  const [notBefore, notAfter] = ['2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z'];

  test.each([
    ['2026-02-28T23:59:59.999Z', 'certificate-not-yet-valid'],
    ['2026-03-01T00:00:00Z', 'accepted'],
    ['2026-04-01T00:00:00Z', 'accepted'],
    ['2026-04-01T00:00:00.999Z', 'accepted'],
    ['2026-04-01T00:00:01Z', 'certificate-expired'],
    ['never', 'certificate-not-yet-valid'],
  ])('the leaf at %s is %s', (now, expected) => {
    expect(reasonOf(device(root, { notBefore, notAfter }), [], { now })).toBe(expected);
  });

  test.each([
    ['2026-02-28T23:59:59Z', 'issuer-not-valid'],
    ['2026-03-01T00:00:00Z', 'accepted'],
    ['2026-04-01T00:00:00Z', 'accepted'],
    ['2026-04-01T00:00:01Z', 'issuer-not-valid'],
  ])('an issuer and an anchor at %s are %s', (now, expected) => {
    const issuer = craftAuthority({ name: 'Brief', issuer: root, notBefore, notAfter });
    expect(reasonOf(device(issuer), [issuer], { now })).toBe(expected);
    expect(reasonOf(device(issuer), [], { now, anchors: [issuer] })).toBe(expected);
  });

  test('an issuer says from when to when', () => {
    const issuer = craftAuthority({ name: 'Brief', issuer: root, notBefore, notAfter });
    expect(ask(device(issuer), [issuer])).toMatchObject({
      refusal: {
        issuer: issuer.certificate.fingerprint,
        notBefore: '2026-03-01T00:00:00.000Z',
        notAfter: '2026-04-01T00:00:00.000Z',
        now: NOW,
      },
    });
  });

  test('T005 a certificate without an end, one that ends behind 2050, and one that began in the last century', () => {
    expect(reasonOf(device(root, { notAfter: '9999-12-31T23:59:59Z' }))).toBe('accepted');
    expect(reasonOf(device(root, { notAfter: '2053-06-01T00:00:00Z' }))).toBe('accepted');
    expect(reasonOf(device(root, { notBefore: '1999-06-01T00:00:00Z' }))).toBe('accepted');
  });

  test('one that ends before it begins is never valid', () => {
    const never = device(root, { notBefore: notAfter, notAfter: notBefore });
    for (const now of [notBefore, notAfter, NOW]) expect(reasonOf(never, [], { now })).not.toBe('accepted');
  });
});

describe('refuses a device that contradicts itself:', () => {
  test.each<[string, readonly Buffer[]]>([
    ['keyCertSign and no cA', [basic(false), keyUsage('digitalSignature', 'keyCertSign')]],
    ['pathLenConstraint and no cA', [basic(false, 0), keyUsage('digitalSignature')]],
    ['pathLenConstraint and no keyCertSign', [basic(true, 0), keyUsage('digitalSignature')]],
  ])('%s', (_title, extensions) => {
    const leaf = device(root, { extensions: [...extensions, purposes(CLIENT_AUTH)] });
    expect(ask(leaf)).toMatchObject({ refusal: { reason: 'certificate-malformed' } });
  });
});

describe('the use of a certificate', () => {
  const having = (...extensions: readonly Buffer[]) => device(root, { extensions: [basic(false), ...extensions] });
  const signs = () => keyUsage('digitalSignature');

  test.each<[string, readonly string[] | undefined, string, string]>([
    ['clientAuth', [CLIENT_AUTH], 'accepted', 'accepted'],
    ['clientAuth and serverAuth', [SERVER_AUTH, CLIENT_AUTH], 'accepted', 'accepted'],
    ['serverAuth', [SERVER_AUTH], 'usage-differs', 'usage-differs'],
    ['anyExtendedKeyUsage', [ANY_PURPOSE], 'usage-differs', 'usage-differs'],
    ['T037 clientAuth with an arc of 2^32 more', ['2b0601050507039080808002'], 'usage-differs', 'usage-differs'],
    ['nothing at all', [], 'certificate-malformed', 'certificate-malformed'],
    ['no extKeyUsage', undefined, 'usage-differs', 'accepted'],
  ])('T030 for %s: a device is %s, a chip is %s', (_title, oids, asDevice, asChip) => {
    const leaf = having(signs(), ...(oids === undefined ? [] : [purposes(...oids)]));
    expect([reasonOf(leaf), reasonOf(leaf, [], { usage: 'chip' })]).toEqual([asDevice, asChip]);
  });

  test('T030 says what was expected and what it is for', () => {
    expect(ask(having(signs(), purposes(SERVER_AUTH)))).toMatchObject({
      refusal: { expected: 'clientAuth', got: 'serverAuth' },
    });
    expect(ask(having(signs()))).toMatchObject({ refusal: { expected: 'clientAuth', got: 'none' } });
  });

  test.each(['device', 'chip'] as const)(
    'T031 a key of a %s that may not sign is refused, and one that does not say so',
    (usage) => {
      for (const usages of [[keyUsage('keyAgreement', 'keyEncipherment')], []]) {
        const path = ask(having(...usages, purposes(CLIENT_AUTH)), [], { usage });
        expect(path).toMatchObject({ refusal: { reason: 'usage-differs', expected: 'digitalSignature' } });
      }
    },
  );

  test('an issuer bound to other purposes cannot give this one', () => {
    const bound = (...oids: readonly string[]) => {
      const extensions = [basic(true), keyUsage('keyCertSign'), purposes(...oids)];
      return craft({ name: 'Bound', issuer: root, extensions });
    };
    for (const [oids, expected] of [
      [[SERVER_AUTH], 'usage-differs'],
      [[SERVER_AUTH, CLIENT_AUTH], 'accepted'],
      [[ANY_PURPOSE], 'accepted'],
    ] as const) {
      expect(reasonOf(device(bound(...oids)), [bound(...oids)])).toBe(expected);
    }
  });

  test('`any` asks for the path alone', () => {
    const strange = device(root, { extensions: [purposes(SERVER_AUTH), ...keyIds(keysOf('A1'), root.keys)] });
    expect(reasonOf(strange, [], { usage: 'any' })).toBe('accepted');
  });

  test('`any` is as strict as RFC 5280 writes: key identifiers, keyUsage of authorities, basicConstraints critical', () => {
    const ca = (...extensions: readonly Buffer[]) => craft({ name: 'CA', extensions });
    const usage = keyUsage('keyCertSign');
    const [ski, aki] = keyIds(keysOf('CA'), keysOf('CA')) as [Buffer, Buffer];
    for (const [anchor, expected] of [
      [ca(basic(true), usage, ski), 'accepted'],
      [ca(basic(true), ski, aki), 'certificate-malformed'],
      [ca(basic(true), usage, aki), 'certificate-malformed'],
      [ca(basic(true, undefined, false), usage, ski, aki), 'certificate-malformed'],
    ] as const) {
      expect([reasonOf(device(anchor), [], { anchors: [anchor], usage: 'any' })]).toEqual([expected]);
      expect(reasonOf(device(anchor), [], { anchors: [anchor] })).toBe('accepted');
    }
    const bare = having(signs(), purposes(CLIENT_AUTH));
    expect([reasonOf(bare), reasonOf(bare, [], { usage: 'any' })]).toEqual(['accepted', 'certificate-malformed']);
  });
});
