// What do the manufacturer's revocation lists say of a chain, and what says the lack of one?
import { describe, expect, test } from 'vitest';

import {
  findRevocation,
  parseListRow,
  parseRevokedRow,
  revocationListKey,
  revokedKey,
  type ChainLink,
  type LinkState,
  type ListRow,
} from '../../../shared/identity/revocation.ts';
import { Fault } from '../../../shared/outcome.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const LEAF = link('11', 'a');
const INTERMEDIATE = link('22', 'b');
const LIST: ListRow = {
  version: 3,
  digest: 'd'.repeat(64),
  number: '7',
  thisUpdate: '2026-11-01T00:00:00.000Z',
  nextUpdate: '2026-12-01T00:00:00.000Z',
};
const STALE = { ...LIST, nextUpdate: '2026-11-24T11:59:59.999Z' };
const REVOKED = { version: 1, revokedAt: '2026-10-01T00:00:00.000Z', list: LIST.digest } as const;

describe('T040 a chain', () => {
  const check = (states: readonly LinkState[], required = false) => findRevocation({ states, required, now: NOW });

  test('that nothing is said of stands, where no list is required', () => {
    expect(check([state(LEAF), state(INTERMEDIATE)])).toBeUndefined();
  });

  test('stands under fresh lists that do not name it, required or not', () => {
    for (const required of [false, true])
      expect(check([state(LEAF, { list: LIST }), state(INTERMEDIATE, { list: LIST })], required)).toBeUndefined();
  });

  test.each<[string, readonly LinkState[], ChainLink]>([
    ['device', [state(LEAF, { list: LIST, revoked: REVOKED }), state(INTERMEDIATE, { list: LIST })], LEAF],
    ['issuer', [state(LEAF, { list: LIST }), state(INTERMEDIATE, { list: LIST, revoked: REVOKED })], INTERMEDIATE],
  ])('is refused when its %s was taken back', (_name, states, { serial, issuerKey }) => {
    expect(check(states)?.refusal).toEqual({
      reason: 'certificate-revoked',
      issuer: issuerKey,
      serial,
      revokedAt: REVOKED.revokedAt,
    });
  });

  test('is refused as taken back also under a list that is missing or stale: what was said once stays said', () => {
    for (const list of [undefined, STALE])
      expect(
        check([state(LEAF, { list }), state(INTERMEDIATE, { list, revoked: REVOKED })], true)?.refusal,
      ).toMatchObject({
        reason: 'certificate-revoked',
        serial: INTERMEDIATE.serial,
      });
  });

  test.each([LEAF, INTERMEDIATE])('is refused under a stale list of any issuer, required or not: $serial', (stale) => {
    const states = [LEAF, INTERMEDIATE].map((link) => state(link, { list: link === stale ? STALE : LIST }));
    for (const required of [false, true])
      expect(check(states, required)?.refusal).toEqual({
        reason: 'crl-stale',
        thisUpdate: STALE.thisUpdate,
        nextUpdate: STALE.nextUpdate,
        now: NOW,
      });
  });

  test('stands at the last moment of a list (RFC 5280 6.3.3), and not a millisecond later', () => {
    expect(check([state(LEAF, { list: { ...LIST, nextUpdate: NOW } })], true)).toBeUndefined();
    expect(check([state(LEAF, { list: STALE })], true)).toBeDefined();
  });

  test.each([LEAF, INTERMEDIATE])(
    'is refused where the list of any issuer is required and missing: $serial',
    (absent) => {
      const states = [LEAF, INTERMEDIATE].map((link) => state(link, link === absent ? {} : { list: LIST }));
      expect(check(states, true)?.refusal).toEqual({ reason: 'crl-unavailable', issuer: absent.issuerKey });
      expect(check(states, false)).toBeUndefined();
    },
  );
});

describe('rows', () => {
  test('come back as they were', () => {
    expect(parseListRow({ ...LIST })).toEqual(LIST);
    expect(parseRevokedRow({ ...REVOKED })).toEqual(REVOKED);
  });

  test.each([
    undefined,
    {},
    { ...LIST, nextUpdate: 'never' },
    { ...LIST, nextUpdate: undefined },
    { ...LIST, version: 0 },
  ])('%j is no list but a fault, never a missing one', (row) => {
    expect(() => parseListRow(row)).toThrow(Fault);
  });

  test.each([undefined, {}, { ...REVOKED, revokedAt: 'long ago' }, { ...REVOKED, list: 7 }])(
    '%j is no revocation but a fault, never an absent one',
    (row) => {
      expect(() => parseRevokedRow(row)).toThrow(Fault);
    },
  );

  test('of one serial number under two issuers stand apart, and apart from the list itself', () => {
    const other = { ...LEAF, issuerKey: INTERMEDIATE.issuerKey };
    const keys = [revokedKey(LEAF), revokedKey(other), revokedKey(INTERMEDIATE), revocationListKey(LEAF.issuerKey)];
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(4);
  });
});

function link(serial: string, issuer: string): ChainLink {
  const validity = { notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2046-01-01T00:00:00.000Z' };
  return { issuerKey: issuer.repeat(64), serial, ...validity };
}

function state(of: ChainLink, { list, revoked }: Partial<Pick<LinkState, 'list' | 'revoked'>> = {}): LinkState {
  return { link: of, list, revoked };
}
