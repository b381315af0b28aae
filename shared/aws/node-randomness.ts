// Randomness of this machine's operating system.
import { randomBytes, randomUUID } from 'node:crypto';

import type { EntryRandomness } from '../ledger/entry.ts';

export const nodeRandomness: EntryRandomness = {
  newId: () => randomUUID(),
  newSalt: () => randomBytes(32),
};

/** 16 bytes: for the serial number of one certificate. */
export function nodeSerial(): Uint8Array {
  return randomBytes(16);
}
