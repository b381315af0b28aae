// What must the broker show of a certificate by itself, with or without a device row? One row per certificate: of a chip
// that cannot come by itself, of one that was refused, or of an operational one that has ended.
import * as z from 'zod';
import { parseRow } from '../rows.ts';

/**
 * `known`: registered beforehand, because nobody here can register its CA. `revoked`: refused for good. `absent`: refused
 * for now; when it still waits for activation at the time of `brokerPending`, it goes, and its next connect is a fresh one.
 * `removed`: an operational certificate that has ended goes, whatever it is; no connect brings it back.
 */
export type Wanted = 'known' | 'revoked' | 'absent' | 'removed';

const ROW = z.object({
  version: z.int().min(1),
  certificateId: z.string(),
  wanted: z.enum(['known', 'revoked', 'absent', 'removed']),
  /** Whose operational certificate it was: one worker at a time acts on all certificates of a device. */
  device: z.string().optional(),
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

/** An operational certificate has ended, in the transaction that ended it; it has no row before. */
export function removal(certificateId: string, device: string, now: string): CertificateRow {
  return { version: 1, certificateId, wanted: 'removed', device, brokerPending: now };
}

/** The broker was seen to match. */
export function markMatched({ brokerPending, ...row }: CertificateRow, now: string): CertificateRow {
  return { ...row, version: row.version + 1, alignedAt: now };
}

/** Whatever its device row says: a certificate that was refused for good comes back under no owner. */
export function isRevoked(row: CertificateRow | undefined): boolean {
  return row?.wanted === 'revoked';
}

export function parseCertificateRow(row: unknown): CertificateRow {
  return parseRow(ROW, row, 'certificate row');
}
