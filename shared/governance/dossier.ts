// What is a device's dossier? What is listed, what it is now, and every decision with its evidence (blueprint step 5).
import type { Entry } from '../ledger/entry.ts';
import type { Device } from '../lifecycle.ts';
import type { Listing } from '../whitelist/listing.ts';
import type { Clone, StoredRefusal } from '../whitelist/refusal.ts';
import type { Waiting } from '../whitelist/waiting.ts';

export interface Dossier {
  readonly subject: string;
  readonly listing?: Listing;
  readonly device?: Device;
  /** Listed by its key only: its certificate has not come yet. */
  readonly waiting?: Waiting;
  /** Connects that were refused, of the listed certificate or of the one asked for. */
  readonly refusals: readonly StoredRefusal[];
  /** Certificates that named this device with another key. */
  readonly clones: readonly Clone[];
  /** What the ledger says of all of these, oldest first. */
  readonly entries: readonly ShownEntry[];
}

export interface ShownEntry {
  readonly entry: Entry;
  /** Whether the detail is the one that the leaf committed to. */
  readonly opens: boolean;
}
