// Which certificates must the broker know before any device connects? One row per certificate of the path `registered`.
import * as z from 'zod';

import { Fault } from '../outcome.ts';

const ROW = z.object({
  version: z.int().min(1),
  certificateId: z.string(),
  /** Since when the broker may not know it; absent once it was seen to. */
  brokerPending: z.iso.datetime().optional(),
});

export type CertificateRow = z.infer<typeof ROW>;

export function certificateKey(certificateId: string) {
  return { table: 'devices', pk: `certificate#${certificateId}`, sk: 'row' } as const;
}

export function awaitRegistration(certificateId: string, now: string): CertificateRow {
  return { version: 1, certificateId, brokerPending: now };
}

/** The broker was seen to know it. */
export function markRegistered({ version, certificateId }: CertificateRow): CertificateRow {
  return { version: version + 1, certificateId };
}

export function parseCertificateRow(row: unknown): CertificateRow {
  const parsed = ROW.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', 'certificate row', { cause: parsed.error });
}
