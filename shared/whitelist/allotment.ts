// Is there room in the lot? The surplus of a delivery is held: more devices than ordered are nobody's yet (T014).
import { done, type Outcome } from '../outcome.ts';
import type { Listing } from './listing.ts';
import { checkSerial, type Lot, type LotCount } from './lot.ts';

/** The count of a lot as one transaction sees it; it grows as the lines of a chunk are decided. */
export interface Room {
  readonly lot: Lot;
  readonly before: LotCount | undefined;
  listed: number;
}

/** The listing as it is to be written: as it is while there is room, held beyond. */
export function allot(listing: Listing, room: Room): Outcome<Listing> {
  const within = checkSerial(listing.serial, room.lot);
  if (within.outcome === 'refused') return within;
  if (room.listed >= room.lot.count) return done({ ...listing, held: true });
  room.listed += 1;
  return done(listing);
}
