// What must the broker show of a certificate by itself, with or without a device row? One row per certificate: of a chip
// that cannot come by itself, or of one that was refused.
import * as z from 'zod';
import { parseRow } from '../rows.ts';

/**
 * `known`: registered beforehand, because nobody here can register its CA. `revoked`: refused for good. `absent`: refused
 * for now; when it still waits for activation at the time of `brokerPending`, it goes, and its next connect is a fresh one.
 */
export type Wanted = 'known' | 'revoked' | 'absent';

const ROW = z.object({
  version: z.int().min(1),
  certificateId: z.string(),
  wanted: z.enum(['known', 'revoked', 'absent']),
  /** From when on the broker may not match; absent once it was seen to. */
  brokerPending: z.iso.datetime().optional(),
  /** When the broker was last seen to match. */
  alignedAt: z.iso.datetime().optional(),
});

export type CertificateRow = z.infer<typeof ROW>;

export function certificateKey(certificateId: string) {
  return { table: 'devices', pk: `certificate#${certificateId}`, sk: 'row' } as const;
}

export interface Wish {
  readonly certificateId: string;
  readonly wanted: Wanted;
  /** From when on the broker is to match. */
  readonly since: string;
}

/** The row with this wish, over the one that may be there. */
export function wish({ certificateId, wanted, since }: Wish, previous: CertificateRow | undefined): CertificateRow {
  const { version = 0, alignedAt } = previous ?? {};
  const row = { version: version + 1, certificateId, wanted, brokerPending: since };
  return alignedAt === undefined ? row : { ...row, alignedAt };
}

/** The broker was seen to match. */
export function markMatched({ version, certificateId, wanted }: CertificateRow, now: string): CertificateRow {
  return { version: version + 1, certificateId, wanted, alignedAt: now };
}

/** Whatever its device row says: a certificate that was refused for good comes back under no owner. */
export function isRevoked(row: CertificateRow | undefined): boolean {
  return row?.wanted === 'revoked';
}

export function parseCertificateRow(row: unknown): CertificateRow {
  return parseRow(ROW, row, 'certificate row');
}
