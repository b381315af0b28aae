// Whom do we trust, and for what? Anchors are pinned by certificate hash, never by name.
import * as z from 'zod';

import { Fault } from '../outcome.ts';
import { parseCertificate, type Certificate } from './certificate.ts';
import { parseRow } from '../rows.ts';

/**
 * `authority`: a CA registered with AWS IoT Core; `root`: one that ends chains, whose devices are registered one by one;
 * `signer`: of manifests; `voucher`: of ownership vouchers.
 */
export type AnchorPurpose = 'authority' | 'root' | 'signer' | 'voucher';

const PURPOSE = z.enum(['authority', 'root', 'signer', 'voucher']);

export interface Anchor {
  readonly version: number;
  readonly purpose: AnchorPurpose;
  readonly manufacturer: string;
  readonly certificate: Certificate;
}

const ROW = z.object({
  version: z.int().min(1),
  purpose: PURPOSE,
  manufacturer: z.string(),
  /** base64 DER */
  certificate: z.base64(),
});

const CLAIM_ROW = z.object({
  version: z.literal(1),
  purpose: PURPOSE,
  manufacturer: z.string(),
  /** Every issuer of a chain to this anchor must have a current revocation list here; without it only those that have one. */
  revocation: z.literal('required').optional(),
});

export type AnchorClaim = z.infer<typeof CLAIM_ROW>;

const AUTHORITY_ROW = z.object({ fingerprint: z.string(), manufacturer: z.string() });

/** Anchors of one manufacturer stand together, so that an import reads them by one query. */
export function anchorKey(manufacturer: string, purpose: AnchorPurpose, fingerprint: string) {
  return { table: 'owners', pk: `manufacturer#${manufacturer}`, sk: `${purpose}#${fingerprint}` } as const;
}

/** Create-only: one certificate is trusted for one purpose of one manufacturer. */
export function anchorClaimKey(fingerprint: string) {
  return { table: 'owners', pk: `anchor#${fingerprint}`, sk: 'row' } as const;
}

/** Under the id by which IoT Core names a registered CA in its events; together, so that teardown finds all of them. */
export const AUTHORITIES = { table: 'owners', pk: 'authorities' } as const;

export function authorityKey(caCertificateId: string) {
  return { ...AUTHORITIES, sk: caCertificateId } as const;
}

export function anchorRow(anchor: Anchor): z.infer<typeof ROW> {
  return { ...anchor, certificate: anchor.certificate.x509.raw.toString('base64') };
}

export function parseAnchor(row: unknown): Anchor {
  const parsed = parseRow(ROW, row, 'trust anchor row');
  const certificate = parseCertificate(Buffer.from(parsed.certificate, 'base64'));
  if (certificate.outcome === 'refused')
    throw new Fault('row-malformed', 'trust anchor row: certificate cannot be read');
  return { ...parsed, certificate: certificate.value };
}

export function parseAnchorClaim(row: unknown): AnchorClaim {
  return parseRow(CLAIM_ROW, row, 'anchor claim row');
}

export function parseAuthority(row: unknown): z.infer<typeof AUTHORITY_ROW> {
  return parseRow(AUTHORITY_ROW, row, 'authority row');
}
