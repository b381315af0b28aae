// Has a manufacturer taken a certificate back? What its revocation lists said, as `change-trust` keeps them (T040).
import * as z from 'zod';

import { refused, type Refused } from '../outcome.ts';
import { parseRow } from '../rows.ts';

/** One certificate of a verified path: what the clock or a revocation list may still end. */
export const CHAIN_LINK = z.object({
  /** SHA-256 of the SubjectPublicKeyInfo of the key that signed it. */
  issuerKey: z.string(),
  /** Lower-case hex, as revocation lists spell it. */
  serial: z.string(),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
});

/** The newest list of an issuer that was taken in. */
const LIST_ROW = z.object({
  version: z.int().min(1),
  /** SHA-256 of its DER. */
  digest: z.string(),
  /** Decimal cRLNumber. */
  number: z.string(),
  thisUpdate: z.iso.datetime(),
  nextUpdate: z.iso.datetime(),
});

/** A serial number that some list of this issuer named. It stays: what was taken back once needs a new certificate. */
const REVOKED_ROW = z.object({ version: z.literal(1), revokedAt: z.iso.datetime(), list: z.string() });

export type ChainLink = Readonly<z.infer<typeof CHAIN_LINK>>;
export type ListRow = z.infer<typeof LIST_ROW>;
export type RevokedRow = z.infer<typeof REVOKED_ROW>;

export function revocationListKey(issuerKey: string) {
  return { table: 'owners', pk: `crl#${issuerKey}`, sk: 'row' } as const;
}

export function revokedKey({ issuerKey, serial }: Pick<ChainLink, 'issuerKey' | 'serial'>) {
  return { table: 'owners', pk: `crl#${issuerKey}`, sk: `revoked#${serial}` } as const;
}

/** What is kept about one link of a chain. */
export interface LinkState {
  readonly link: ChainLink;
  readonly list: ListRow | undefined;
  readonly revoked: RevokedRow | undefined;
}

export interface RevocationCheck {
  readonly states: readonly LinkState[];
  /** Whether the manufacturer's anchor asks for a list of every issuer. */
  readonly required: boolean;
  readonly now: string;
}

/** The first thing that speaks against the chain; undefined when nothing does. */
export function findRevocation({ states, required, now }: RevocationCheck): Refused | undefined {
  for (const { link, revoked } of states) {
    if (revoked === undefined) continue;
    const { issuerKey: issuer, serial } = link;
    return refused({ reason: 'certificate-revoked', issuer, serial, revokedAt: revoked.revokedAt });
  }
  for (const { link, list } of states) {
    if (list === undefined && required) return refused({ reason: 'crl-unavailable', issuer: link.issuerKey });
    // Whoever keeps a newer list from us must not win by that: an old one proves nothing any more (RFC 5280 6.3.3).
    if (list === undefined || Date.parse(now) <= Date.parse(list.nextUpdate)) continue;
    return refused({ reason: 'crl-stale', thisUpdate: list.thisUpdate, nextUpdate: list.nextUpdate, now });
  }
  return undefined;
}

export function parseListRow(row: unknown): ListRow {
  return parseRow(LIST_ROW, row, 'revocation list row');
}

export function parseRevokedRow(row: unknown): RevokedRow {
  return parseRow(REVOKED_ROW, row, 'revoked certificate row');
}
