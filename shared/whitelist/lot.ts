// How many devices may a manufacturer list, and which? A lot's allotment, agreed with the manufacturer before it delivers.
import * as z from 'zod';

import { done, refused, type Outcome } from '../outcome.ts';
import { parseRow } from '../rows.ts';

const SERIAL_RANGE = z.strictObject({ first: z.string().min(1).max(128), last: z.string().min(1).max(128) });

const ROW = z.object({
  version: z.literal(1),
  manufacturer: z.string(),
  lot: z.string(),
  product: z.string(),
  /** How many devices may be listed; the surplus is held. */
  count: z.int().min(0),
  serials: SERIAL_RANGE.optional(),
});

const COUNT_ROW = z.object({ version: z.int().min(1), listed: z.int().min(0) });

export type Lot = z.infer<typeof ROW>;
export type SerialRange = z.infer<typeof SERIAL_RANGE>;
export type LotCount = z.infer<typeof COUNT_ROW>;

const LOT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isLotName(text: string): boolean {
  return LOT_NAME.test(text);
}

export function lotKey(manufacturer: string, lot: string) {
  return { table: 'owners', pk: `manufacturer#${manufacturer}`, sk: `lot#${lot}` } as const;
}

/** How many devices of a lot are listed; it moves in the transactions that list them. */
export function lotCountKey(manufacturer: string, lot: string) {
  return { table: 'whitelist', pk: `lot#${manufacturer}#${lot}`, sk: 'count' } as const;
}

/** Both ends belong to the range; serial numbers of another length lie outside, so that "9" is not after "10". */
export function checkSerial(serial: string, { serials }: Lot): Outcome<'within'> {
  if (serials === undefined) return done('within');
  const { first, last } = serials;
  const within = serial.length === first.length && serial >= first && serial <= last;
  return within ? done('within') : refused({ reason: 'serial-out-of-range', first, last, got: serial });
}

export function isRange({ first, last }: SerialRange): boolean {
  return first.length === last.length && first <= last;
}

export function parseLot(row: unknown): Lot {
  return parseRow(ROW, row, 'lot row');
}

export function parseLotCount(row: unknown): LotCount {
  return parseRow(COUNT_ROW, row, 'lot count row');
}
