// How far has an issuing CA come with its revocation list? Its number, which only grows; the bytes that are signed, by their
// digest; the signature; and whether it was published.
import * as z from 'zod';

import { parseRow } from '../rows.ts';
import type { RevokedCertificate } from './ending.ts';

const HEX = z.string().regex(/^[0-9a-f]{64}$/);

const ROW = z.object({
  version: z.int().min(1),
  /** CRLNumber. */
  number: z.int().min(1),
  thisUpdate: z.iso.datetime(),
  nextUpdate: z.iso.datetime(),
  /** SHA-256 of the serials that it names: another set needs another list. */
  names: HEX,
  /** SHA-256 of the TBSCertList, which is stored under `pendingListName`. */
  tbs: HEX,
  /** base64; absent until it is signed. */
  signature: z.base64().optional(),
  publishedAt: z.iso.datetime().optional(),
});

export type ListState = z.infer<typeof ROW>;

/** Verifiers keep a list until its end; a new one comes long before. */
export const LIST_DAYS = 7;

export function listStateKey(issuer: string) {
  return { table: 'devices', pk: `issuing#${issuer}`, sk: 'list' } as const;
}

/** Where relying parties find it. */
export function listName(issuer: string): string {
  return `revocation-lists/${issuer}.crl`;
}

/** What is to be signed, while it waits for its signature. */
export function pendingListName(issuer: string, number: number): string {
  return `revocation-lists/pending/${issuer}-${number}.tbs`;
}

export function parseListState(row: unknown): ListState {
  return parseRow(ROW, row, 'revocation list row');
}

/** RFC 5280 3.3: an entry stays until it stood on a list that was made after its certificate had ended. */
export function stillNamed({ notAfter }: RevokedCertificate, previous: ListState | undefined): boolean {
  return previous === undefined || Date.parse(notAfter) >= Date.parse(previous.thisUpdate);
}

/** The first, one that names others, or half of its life is over. */
export function isDue(present: ListState | undefined, { names, now }: { names: string; now: string }): boolean {
  if (present?.names !== names) return true;
  const half = (Date.parse(present.thisUpdate) + Date.parse(present.nextUpdate)) / 2;
  return Date.parse(now) >= half;
}
