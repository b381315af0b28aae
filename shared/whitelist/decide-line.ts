// Is this line new, known, beyond its lot, or in conflict with what is listed? The one rule, for the import and for the
// check offline; what it decides joins what is known (blueprint step 1).
import { done, refused, type Outcome } from '../outcome.ts';
import type { Refusal } from '../reasons.ts';
import { allot, type Room } from './allotment.ts';
import type { ChunkLine } from './chunk.ts';
import { compareListing, foldId, isHeld, type Listing, type Provenance } from './listing.ts';
import { checkSerial } from './lot.ts';
import type { Waiting } from './waiting.ts';

export interface LineReport {
  readonly line: number;
  /** `held`: listed beyond the lot's allotment. `waiting`: listed by its key, without a certificate. */
  readonly result: 'accepted' | 'held' | 'waiting' | 'unchanged' | 'refused';
  readonly device?: string;
  readonly fingerprint?: string;
  readonly refusal?: Refusal;
}

/** What is listed, and who holds an id or a key; grows as the lines of a group are decided. */
export interface Known {
  /** By fingerprint of the certificate. */
  readonly listings: Map<string, Listing>;
  /** Fingerprint of the certificate, by device id in lower case. */
  readonly ids: Map<string, string>;
  /** Device id, by fingerprint of the public key. */
  readonly keys: Map<string, string>;
  /** Devices that wait for their certificate, by device id in lower case. */
  readonly waiting: Map<string, Waiting>;
}

export interface GroupState {
  readonly known: Known;
  readonly room: Room;
}

export function knowNothing(): Known {
  return { listings: new Map(), ids: new Map(), keys: new Map(), waiting: new Map() };
}

export interface DecidedLine {
  readonly report: LineReport;
  /** What is to be written; absent when the line changes nothing. */
  readonly listing?: Listing;
  readonly waiting?: Waiting;
  /** Whether the device waited: its id and key are reserved for it already. */
  readonly awaited?: boolean;
}

export function decideLine({ line, verdict }: ChunkLine, state: GroupState): DecidedLine {
  if ('refusal' in verdict) return { report: { line, result: 'refused', refusal: verdict.refusal } };
  if ('waiting' in verdict) return decideWaiting(line, verdict.waiting, state);
  const { device, fingerprint } = verdict.listing;
  const about = { line, device, fingerprint };
  const decided = decideListing(verdict.listing, state);
  if (decided.outcome === 'refused') return { report: { ...about, result: 'refused', refusal: decided.refusal } };
  const { result, listing } = decided.value;
  if (listing === undefined) return { report: { ...about, result } };
  const awaited = state.known.waiting.has(foldId(device));
  remember(listing, state.known);
  return { report: { ...about, result }, listing, awaited };
}

/** What is listed needs to wait no more; what waits already waits on. */
function decideWaiting(line: number, waiting: Waiting, { known, room }: GroupState): DecidedLine {
  const { device, keyFingerprint } = waiting;
  const refuse = (refusal: Refusal): DecidedLine => ({ report: { line, device, result: 'refused', refusal } });
  const keyOf = known.keys.get(keyFingerprint);
  if (keyOf !== undefined && keyOf !== device) {
    return refuse({ reason: 'key-taken', device, listed: keyOf, got: keyFingerprint });
  }
  const other = known.waiting.get(foldId(device));
  if (other !== undefined && isOwnWork(other.provenance, waiting.provenance)) {
    return { report: { line, device, result: 'waiting' } };
  }
  const listed = known.ids.get(foldId(device));
  if (listed !== undefined && keyOf === undefined)
    return refuse({ reason: 'id-taken', device, listed, got: keyFingerprint });
  if (listed !== undefined) return { report: { line, device, result: 'unchanged' } };
  if (other?.keyFingerprint === keyFingerprint) return { report: { line, device, result: 'waiting' } };
  if (other !== undefined) {
    return refuse({ reason: 'id-taken', device, listed: other.keyFingerprint, got: keyFingerprint });
  }
  const within = checkSerial(waiting.serial, room.lot);
  if (within.outcome === 'refused') return refuse(within.refusal);
  known.waiting.set(foldId(device), waiting);
  known.keys.set(keyFingerprint, device);
  return { report: { line, device, result: 'waiting' }, waiting };
}

interface Decision {
  readonly result: 'accepted' | 'held' | 'unchanged';
  readonly listing?: Listing;
}

function decideListing(listing: Listing, { known, room }: GroupState): Outcome<Decision> {
  const { fingerprint, device, keyFingerprint } = listing;
  const stored = known.listings.get(fingerprint);
  const claimedBy = known.ids.get(foldId(device));
  const compared = compareListing(listing, { listing: stored, claimedBy, keyOf: known.keys.get(keyFingerprint) });
  if (compared.outcome === 'refused') return compared;
  // Its factory told another key before: the first value stays (T011).
  const awaited = known.waiting.get(foldId(device))?.keyFingerprint;
  if (awaited !== undefined && awaited !== keyFingerprint) {
    return refused({ reason: 'id-taken', device, listed: awaited, got: keyFingerprint });
  }
  if (stored !== undefined) return done({ result: describeStored(stored, listing) });
  const allotted = allot(listing, room);
  if (allotted.outcome === 'refused') return allotted;
  return done({ result: isHeld(allotted.value) ? 'held' : 'accepted', listing: allotted.value });
}

function describeStored(stored: Listing, listing: Listing): Decision['result'] {
  if (isHeld(stored)) return 'held';
  return isOwnWork(stored.provenance, listing.provenance) ? 'accepted' : 'unchanged';
}

/** What an interrupted run of this very import wrote is its own work, not a repetition. */
function isOwnWork(stored: Provenance, { manifest, line, importedAt }: Provenance): boolean {
  return stored.manifest === manifest && stored.line === line && stored.importedAt === importedAt;
}

function remember(listing: Listing, known: Known): void {
  known.listings.set(listing.fingerprint, listing);
  known.ids.set(foldId(listing.device), listing.fingerprint);
  known.keys.set(listing.keyFingerprint, listing.device);
}
