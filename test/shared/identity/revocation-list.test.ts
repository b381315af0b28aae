// Does a revocation list count only when its issuer signed it, it is current, and it tells of all certificates (T040)?
import { describe, expect, test } from 'vitest';

import { verifyPath, type PathQuestion } from '../../../shared/identity/path.ts';
import {
  parseRevocationList,
  verifyRevocationList,
  type RevocationList,
} from '../../../shared/identity/revocation-list.ts';
import {
  basic,
  craft,
  craftAuthority,
  craftDevice,
  extension,
  keyUsage,
  weakKey,
  type Crafted,
} from '../../pki/crafted.ts';
import { craftList, craftListDer, NUMBER, type ListWishes } from '../../pki/crafted-list.ts';
import { tlv, withLongLength } from '../../pki/der.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const root = craftAuthority({ name: 'List Root' });
const upper = craftAuthority({ name: 'List Upper', issuer: root, serial: '1001' });
const device = craftDevice({ name: 'A1', issuer: upper, serial: '0a' });

const list = (wishes: Partial<ListWishes> = {}) => craftList({ issuer: upper, ...wishes });
const rootList = (wishes: Partial<ListWishes> = {}) => craftList({ issuer: root, ...wishes });

function ask(revocation: readonly RevocationList[], asked: Partial<PathQuestion> = {}) {
  const chain = { leaf: device.certificate, issuers: [upper.certificate], anchors: [root.certificate] };
  return verifyPath({ ...chain, usage: 'device', now: NOW, revocation, ...asked });
}

const reasonOf = (...given: Parameters<typeof ask>) => {
  const path = ask(...given);
  return path.outcome === 'done' ? 'accepted' : path.refusal.reason;
};

describe('a list', () => {
  test('is read with its number, its times and what it takes back', () => {
    const held = extension('551d15', Buffer.from('0a0106', 'hex'));
    const revoked = [
      { serial: '0a', extensions: [held] },
      { serial: '00ff01', revokedAt: '2053-01-02T03:04:05Z' },
    ];
    expect(list({ revoked })).toMatchObject({
      number: '7',
      thisUpdate: '2026-11-01T00:00:00.000Z',
      nextUpdate: '2026-12-01T00:00:00.000Z',
      revoked: [
        { serial: '0a', revokedAt: '2026-10-01T00:00:00.000Z', reason: 'certificateHold' },
        { serial: 'ff01', revokedAt: '2053-01-02T03:04:05.000Z', reason: 'unspecified' },
      ],
      isDelta: false,
      limit: undefined,
    });
  });

  test('of no certificate, and with a number of 20 bytes, is a list', () => {
    const number = extension('551d14', tlv(0x02, Buffer.from(`7f${'00'.repeat(19)}`, 'hex')));
    expect(list({ extensions: [number] })).toMatchObject({ revoked: [], number: (0x7fn << 152n).toString() });
  });

  test.each<[string, () => Buffer]>([
    ['version 1', () => craftListDer({ issuer: upper, change: ([, ...fields]) => fields })],
    [
      'no nextUpdate',
      () => craftListDer({ issuer: upper, change: (fields) => fields.filter((_field, at) => at !== 4) }),
    ],
    ['no extensions', () => craftListDer({ issuer: upper, extensions: [] })],
    ['no cRLNumber', () => craftListDer({ issuer: upper, extensions: [extension('551d23', tlv(0x30))] })],
    [
      'a critical cRLNumber',
      () => craftListDer({ issuer: upper, extensions: [extension('551d14', tlv(0x02, Buffer.from([7])), true)] }),
    ],
    [
      'a negative cRLNumber',
      () => craftListDer({ issuer: upper, extensions: [extension('551d14', tlv(0x02, Buffer.from([0x87])))] }),
    ],
    ['two cRLNumbers', () => craftListDer({ issuer: upper, extensions: [NUMBER, NUMBER] })],
    [
      'an empty list of certificates',
      () => craftListDer({ issuer: upper, change: (fields) => fields.toSpliced(5, 0, tlv(0x30)) }),
    ],
    ['an entry without a serial number', () => craftListDer({ issuer: upper, revoked: [{ serial: '' }] })],
    ['a serial number of 0', () => craftListDer({ issuer: upper, revoked: [{ serial: '00' }] })],
    [
      'a field behind the extensions',
      () => craftListDer({ issuer: upper, change: (fields) => [...fields, tlv(0x05)] }),
    ],
    [
      'a length longer than needed',
      () =>
        craftListDer({
          issuer: upper,
          change: (fields) => fields.map((field, at) => (at === 2 ? withLongLength(field) : field)),
        }),
    ],
    [
      'another inner algorithm',
      () =>
        craftListDer({
          issuer: upper,
          change: (fields) =>
            fields.map((field, at) => (at === 1 ? Buffer.from('300a06082a8648ce3d040303', 'hex') : field)),
        }),
    ],
    ['bytes behind it', () => Buffer.concat([craftListDer({ issuer: upper }), Buffer.from([0])])],
    [
      'more than a mebibyte',
      () => craftListDer({ issuer: upper, revoked: Array.from({ length: 60_000 }, () => ({ serial: '0b' })) }),
    ],
    ['no bytes', () => Buffer.alloc(0)],
  ])('with %s is refused', (_title, make) => {
    expect(parseRevocationList(make())).toMatchObject({ refusal: { reason: 'crl-unusable' } });
  });

  test('of a mebibyte is read in a moment, and nesting does no harm', () => {
    const revoked = Array.from({ length: 20_000 }, (_none, index) => ({
      serial: `01${index.toString(16).padStart(6, '0')}`,
    }));
    const start = performance.now();
    expect(list({ revoked }).revoked).toHaveLength(20_000);
    expect(performance.now() - start).toBeLessThan(5000);
    let nested = tlv(0x30);
    for (let depth = 0; depth < 3000; depth += 1) nested = tlv(0x30, nested);
    expect(parseRevocationList(nested)).toMatchObject({ outcome: 'refused' });
  });

  test('with any byte changed is not read, or not its issuer’s', () => {
    const der = craftListDer({ issuer: upper, revoked: [{ serial: '0b' }] });
    for (let at = 0; at < der.length; at += 1) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const read = parseRevocationList(changed);
      const verdict = read.outcome === 'done' ? verifyRevocationList(read.value, upper.certificate, NOW) : read;
      expect([at, verdict.outcome]).toEqual([at, 'refused']);
    }
  });
});

describe('verifyRevocationList', () => {
  const verdict = (given: RevocationList, issuer = upper, now = NOW) =>
    verifyRevocationList(given, issuer.certificate, now);

  test('takes a current list of the issuer', () => {
    expect(verdict(list())).toMatchObject({ outcome: 'done', value: { number: '7' } });
  });

  test.each([
    ['2026-10-31T23:59:59.999Z', 'crl-stale'],
    ['2026-11-01T00:00:00Z', 'done'],
    ['2026-12-01T00:00:00.5Z', 'done'],
    ['2026-12-01T00:00:01Z', 'crl-stale'],
    ['never', 'crl-stale'],
  ])('T040 between its two updates: at %s %s', (now, expected) => {
    const outcome = verdict(list(), upper, now);
    expect(outcome.outcome === 'done' ? 'done' : outcome.refusal.reason).toBe(expected);
  });

  test('T040 refuses a list of another issuer, and one by another key of the same name', () => {
    expect(verdict(rootList())).toMatchObject({ refusal: { reason: 'crl-unusable' } });
    expect(verdict(list({ issuer: { ...upper, subject: root.subject } }))).toMatchObject({
      refusal: { reason: 'crl-unusable' },
    });
    const twin = craftAuthority({ name: 'List Upper', key: 'twin' });
    expect(verdict(list({ issuer: twin }))).toMatchObject({ refusal: { reason: 'crl-unusable' } });
  });

  test.each<[string, readonly Buffer[]]>([
    ['keyUsage without cRLSign', [basic(true), keyUsage('keyCertSign')]],
    ['no cA', [keyUsage('digitalSignature', 'cRLSign')]],
  ])('refuses an issuer with %s', (_title, extensions) => {
    const issuer = craft({ name: 'Not for lists', issuer: root, extensions });
    expect(verdict(craftList({ issuer }), issuer)).toMatchObject({ refusal: { reason: 'crl-unusable' } });
  });

  test.each([
    ['only authorities', '820101ff', true],
    ['only users', '810101ff', true],
    ['only attribute certificates', '850101ff', true],
    ['only some reasons', '83020640', true],
    ['lists of other issuers', '840101ff', true],
    ['one point of distribution', 'a007a0058603753a61', false],
  ])('T040 refuses a list whose issuingDistributionPoint says: %s', (_title, hex, critical) => {
    const point = extension('551d1c', tlv(0x30, Buffer.from(hex, 'hex')), critical);
    const given = list({ extensions: [NUMBER, point] });
    expect(verdict(given)).toMatchObject({ refusal: { reason: 'crl-unusable' } });
  });

  test('refuses a delta list, one that refers to deltas, and critical extensions of a list or of an entry', () => {
    const strange = extension('2a0304', tlv(0x05), true);
    for (const extra of [
      extension('551d1b', tlv(0x02, Buffer.from([6])), true),
      extension('551d1b', tlv(0x02, Buffer.from([6]))),
      extension('551d2e', tlv(0x30)),
      strange,
    ])
      expect(verdict(list({ extensions: [NUMBER, extra] }))).toMatchObject({ refusal: { reason: 'crl-unusable' } });
    const given = list({ revoked: [{ serial: '0b' }, { serial: '0c', extensions: [strange] }] });
    expect(verdict(given)).toMatchObject({ refusal: { reason: 'crl-unusable' } });
    expect(verdict(list({ extensions: [NUMBER, extension('2a0304', tlv(0x05))] }))).toMatchObject({ outcome: 'done' });
  });
});

describe('verifyRevocationList names', () => {
  test('an algorithm outside the profile, and a key outside it', () => {
    expect(verifyRevocationList(list({ digest: 'sha1' }), upper.certificate, NOW)).toMatchObject({
      refusal: { reason: 'signature-unsupported', algorithm: '1.2.840.10045.4.1' },
    });
    const weak = craftAuthority({ name: 'Weak', spki: weakKey() });
    expect(verifyRevocationList(craftList({ issuer: weak }), weak.certificate, NOW)).toMatchObject({
      refusal: { reason: 'key-unsupported' },
    });
  });
});

describe('a path that must not be revoked', () => {
  test('is accepted with a current list of every issuer, in any order and beside lists of others', () => {
    const other = craftList({
      issuer: craftAuthority({ name: 'Other' }),
      revoked: [{ serial: '0a' }, { serial: '1001' }],
    });
    expect(reasonOf([other, rootList({ revoked: [{ serial: '0a' }] }), list({ revoked: [{ serial: '0b' }] })])).toBe(
      'accepted',
    );
  });

  test('is not asked for lists where nobody asks, and needs them where none was given', () => {
    const { certificate } = device;
    const chain = { leaf: certificate, issuers: [upper.certificate], anchors: [root.certificate] };
    expect(verifyPath({ ...chain, usage: 'device', now: NOW })).toMatchObject({ outcome: 'done' });
    expect(ask([])).toMatchObject({ refusal: { reason: 'crl-unavailable', issuer: upper.certificate.keyFingerprint } });
  });

  test('T040 is refused when the device was taken back, and when an issuer was', () => {
    expect(ask([rootList(), list({ revoked: [{ serial: '0b' }, { serial: '0a' }] })])).toMatchObject({
      refusal: {
        reason: 'certificate-revoked',
        serial: '0a',
        issuer: upper.certificate.keyFingerprint,
        revokedAt: '2026-10-01T00:00:00.000Z',
      },
    });
    expect(ask([rootList({ revoked: [{ serial: '1001' }] }), list()])).toMatchObject({
      refusal: { reason: 'certificate-revoked', serial: '1001', issuer: root.certificate.keyFingerprint },
    });
  });

  test('T040 is refused without the list of any one issuer, or with one that is not the current one', () => {
    expect(reasonOf([list()])).toBe('crl-unavailable');
    expect(reasonOf([rootList()])).toBe('crl-unavailable');
    expect(reasonOf([rootList(), list({ nextUpdate: '2026-11-20T00:00:00Z' })])).toBe('crl-stale');
    expect(reasonOf([rootList({ nextUpdate: '2026-11-20T00:00:00Z' }), list()])).toBe('crl-stale');
  });

  test('an old list beside the current one does no harm, and neither does somebody else’s of the same name', () => {
    const old = list({ nextUpdate: '2026-11-20T00:00:00Z' });
    const twin = craftList({
      issuer: craftAuthority({ name: 'List Upper', key: 'twin' }),
      revoked: [{ serial: '0a' }],
    });
    expect(reasonOf([rootList(), old, twin, list()])).toBe('accepted');
  });

  test('T040 is refused where a delta list of the issuer exists, or the certificate points to one', () => {
    const delta = list({ extensions: [NUMBER, extension('551d1b', tlv(0x02, Buffer.from([6])), true)] });
    expect(reasonOf([rootList(), list(), delta])).toBe('crl-unusable');
    const pointing: Crafted = craft({
      name: 'A2',
      issuer: upper,
      extensions: [...DEVICE, extension('551d2e', tlv(0x30))],
    });
    expect(reasonOf([rootList(), list()], { leaf: pointing.certificate })).toBe('crl-unusable');
    expect(reasonOf([rootList(), list({ revoked: [{ serial: '0a' }] }), delta])).toBe('certificate-revoked');
  });

  test('is another one when the revoked issuer has a second certificate', () => {
    const again = craftAuthority({ name: 'List Upper', issuer: root, serial: '1002' });
    const lists = [rootList({ revoked: [{ serial: '1001' }] }), list()];
    expect(reasonOf(lists, { issuers: [upper.certificate, again.certificate] })).toBe('accepted');
  });
});

const DEVICE = [
  basic(false),
  keyUsage('digitalSignature'),
  extension('551d25', tlv(0x30, tlv(0x06, Buffer.from('2b06010505070302', 'hex')))),
];
