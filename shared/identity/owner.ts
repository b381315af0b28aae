// What does an owner wish? What this deployment knows of an owner, and the choices that only the owner makes.
import * as z from 'zod';

import { parseRow } from '../rows.ts';

export const OWNER_WISHES = z.strictObject({
  /** A sign that a key is in two places: ring an alarm, or quarantine the device as well. */
  onClone: z.enum(['alarm', 'restrict', 'cut']).optional(),
  /** A device whose operational certificate ended in storage comes back with its factory certificate. */
  onExpiry: z.enum(['refuse', 'reset']).optional(),
});

export type OwnerWishes = z.infer<typeof OWNER_WISHES>;

const ROW = OWNER_WISHES.extend({ version: z.int().min(1), owner: z.string() });

export type Owner = z.infer<typeof ROW>;

export function ownerKey(owner: string) {
  return { table: 'owners', pk: `owner#${owner}`, sk: 'row' } as const;
}

export function parseOwner(row: unknown): Owner {
  return parseRow(ROW, row, 'owner row');
}
