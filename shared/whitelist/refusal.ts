// What is remembered of a refused certificate? One row per certificate, reason and version of the device row.
import * as z from 'zod';

import { Fault } from '../outcome.ts';
import type { Refusal, RefusalReason } from '../reasons.ts';

const ROW = z.object({
  version: z.literal(1),
  reason: z.string(),
  at: z.iso.datetime(),
  device: z.string().optional(),
  /** Version of the device row that was refused; 0 without one. */
  deviceVersion: z.int().min(0),
  /** How often the same certificate was refused again for the same reason. */
  repeats: z.int().min(0).default(0),
  refusal: z.looseObject({ reason: z.string() }),
});

export interface StoredRefusal {
  readonly reason: RefusalReason;
  readonly at: string;
  readonly device?: string | undefined;
  readonly deviceVersion: number;
  readonly repeats: number;
  readonly refusal: Refusal;
}

export function refusalPartition(certificateId: string): string {
  return `certificate#${certificateId}`;
}

export function refusalKey(certificateId: string, reason: RefusalReason, deviceVersion: number) {
  const position = String(deviceVersion).padStart(12, '0');
  return { table: 'devices', pk: refusalPartition(certificateId), sk: `refusal#${reason}#${position}` } as const;
}

export function parseRefusal(row: unknown): StoredRefusal {
  const parsed = ROW.safeParse(row);
  if (!parsed.success) throw new Fault('row-malformed', 'refusal row', { cause: parsed.error });
  return parsed.data as unknown as StoredRefusal;
}
