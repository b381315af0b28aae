// Is there room in the lot? The surplus of a delivery is held: more devices than ordered are nobody's yet (T014).
import { done, type Outcome } from '../../../shared/outcome.ts';
import type { Change, Registry } from '../../../shared/ports.ts';
import type { Listing } from '../../../shared/whitelist/listing.ts';
import { checkSerial, lotCountKey, parseLotCount, type Lot, type LotCount } from '../../../shared/whitelist/lot.ts';

/** The count of a lot as one transaction sees it; it grows as the lines of a chunk are decided. */
export interface Room {
  readonly lot: Lot;
  readonly before: LotCount | undefined;
  listed: number;
}

export async function readRoom(lot: Lot, registry: Registry): Promise<Room> {
  const [row] = await registry.read([lotCountKey(lot.manufacturer, lot.lot)]);
  const before = row === undefined ? undefined : parseLotCount(row);
  return { lot, before, listed: before?.listed ?? 0 };
}

/** The listing as it is to be written: as it is while there is room, held beyond. */
export function allot(listing: Listing, room: Room): Outcome<Listing> {
  const within = checkSerial(listing.serial, room.lot);
  if (within.outcome === 'refused') return within;
  if (room.listed >= room.lot.count) return done({ ...listing, held: true });
  room.listed += 1;
  return done(listing);
}

/** The comparison that keeps two imports of one lot from counting past each other; none where nothing was counted. */
export function countChange({ lot, before, listed }: Room): readonly Change[] {
  if (listed === (before?.listed ?? 0)) return [];
  const key = lotCountKey(lot.manufacturer, lot.lot);
  const next = { version: (before?.version ?? 0) + 1, listed };
  return [before === undefined ? { create: key, row: next } : { replace: key, previous: before, next }];
}
