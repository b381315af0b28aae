// What of a device that a manifest lists without its certificate? It waits: nothing can connect as it, and nobody can own
// it, until a manifest brings the certificate of the same key.
import * as z from 'zod';

import { makeDeviceId } from '../identity/device-id.ts';
import { done, type Outcome } from '../outcome.ts';
import type { ManifestEntry } from './formats/format.ts';
import { foldId, PROVENANCE, type ListingContext } from './listing.ts';
import { parseRow } from '../rows.ts';

const ROW = z.object({
  version: z.literal(1),
  device: z.string(),
  serial: z.string(),
  manufacturer: z.string(),
  product: z.string(),
  lot: z.string(),
  keyFingerprint: z.string(),
  provenance: PROVENANCE,
});

export type Waiting = z.infer<typeof ROW>;

export function waitingKey(device: string) {
  return { table: 'whitelist', pk: `waiting#${foldId(device)}`, sk: 'row' } as const;
}

export function waitFor(entry: ManifestEntry, context: ListingContext): Outcome<Waiting> {
  const { manufacturer, product, lot, manifest, line, now } = context;
  const device = makeDeviceId(manufacturer, entry.serial);
  if (device.outcome === 'refused') return device;
  const { signer, signedAt } = entry.signedBy ?? context.signedBy;
  const { serial, keyFingerprint } = entry;
  const provenance = { manifest, line, signer, signedAt, importedAt: now };
  return done({ version: 1, device: device.value, serial, manufacturer, product, lot, keyFingerprint, provenance });
}

export function parseWaiting(row: unknown): Waiting {
  return parseRow(ROW, row, 'waiting row');
}
