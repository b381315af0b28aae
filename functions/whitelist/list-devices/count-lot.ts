// How many devices of the lot are listed? Read before lines are decided, and moved in the transaction that lists them.
import type { Change, Registry } from '../../../shared/ports.ts';
import type { Room } from '../../../shared/whitelist/allotment.ts';
import { lotCountKey, parseLotCount, type Lot } from '../../../shared/whitelist/lot.ts';

export async function readRoom(lot: Lot, registry: Registry): Promise<Room> {
  const [row] = await registry.read([lotCountKey(lot.manufacturer, lot.lot)]);
  const before = row === undefined ? undefined : parseLotCount(row);
  return { lot, before, listed: before?.listed ?? 0 };
}

/** The comparison that keeps two imports of one lot from counting past each other; none where nothing was counted. */
export function countChange({ lot, before, listed }: Room): readonly Change[] {
  if (listed === (before?.listed ?? 0)) return [];
  const key = lotCountKey(lot.manufacturer, lot.lot);
  const next = { version: (before?.version ?? 0) + 1, listed };
  return [before === undefined ? { create: key, row: next } : { replace: key, previous: before, next }];
}
