// What is remembered of a refused certificate? One row per certificate, reason and version of the device row.
import * as z from 'zod';

import type { Refusal, RefusalReason } from '../reasons.ts';
import { parseRow } from '../rows.ts';
import { foldId } from './listing.ts';

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

/** Certificates that named this device with another key; a name that differs by case means the same device (T020). */
export function clonesOf(device: string) {
  return { table: 'devices', pk: `clones#${foldId(device)}` } as const;
}

export function cloneKey(device: string, certificateId: string) {
  return { ...clonesOf(device), sk: certificateId } as const;
}

const CLONE_ROW = z.object({ version: z.literal(1), certificateId: z.string(), at: z.iso.datetime() });
export type Clone = z.infer<typeof CLONE_ROW>;

export function parseClone(row: unknown): Clone {
  return parseRow(CLONE_ROW, row, 'clone row');
}

export function parseRefusal(row: unknown): StoredRefusal {
  return parseRow(ROW, row, 'refusal row') as unknown as StoredRefusal;
}
