// What was decided of a delivery, and how far is it? One row per delivered signature, by its key and version.
import { hash } from 'node:crypto';
import * as z from 'zod';

import { parseRow } from '../rows.ts';

const VERIFIED = z.object({
  manifestKey: z.string(),
  /** The version that was verified; a later one is another delivery's. */
  manifestVersion: z.string(),
  /** SHA-256 of the manifest file. */
  manifest: z.string(),
  format: z.string(),
  manufacturer: z.string(),
  product: z.string(),
  lot: z.string(),
  signer: z.string(),
  signedAt: z.iso.datetime(),
  importedAt: z.iso.datetime(),
  deliveredBy: z.string(),
  chunks: z.int().min(1),
});

const ROW = z.object({
  version: z.int().min(1),
  /** `verified`: its chunks are being listed; `imported`: all of them are; else the reason why nothing was taken. */
  decision: z.string(),
  verified: VERIFIED.optional(),
});

const COUNTS = z.object({
  accepted: z.int(),
  held: z.int(),
  waiting: z.int(),
  unchanged: z.int(),
  refused: z.int(),
});
const CHUNK_ROW = z.object({ version: z.literal(1), counts: COUNTS });

export type VerifiedImport = z.infer<typeof VERIFIED>;
export type StoredImport = z.infer<typeof ROW>;
export type Counts = z.infer<typeof COUNTS>;

/** Versions are opaque, and those of two keys may be equal. */
export interface DeliveredSignature {
  readonly signatureKey: string;
  readonly signatureVersion: string;
}

export function importKey(delivery: DeliveredSignature) {
  return { table: 'whitelist', pk: importPartition(delivery), sk: 'row' } as const;
}

/** Create-only, when every line of the chunk is decided. */
export function chunkKey(delivery: DeliveredSignature, chunk: number) {
  return {
    table: 'whitelist',
    pk: importPartition(delivery),
    sk: `${CHUNKS}${positionOf(chunk)}`,
  } as const;
}

export const CHUNKS = 'chunk#';

export function importPartition({ signatureKey, signatureVersion }: DeliveredSignature): string {
  return `import#${signatureKey}#${signatureVersion}`;
}

/** Where the chunks of an import lie: written by us, read by us, of no use to anybody else. */
export function chunkObject(
  delivery: DeliveredSignature,
  { chunk, digest }: { chunk: number; digest: string },
): string {
  // By its digest: another run that writes other bytes does not take this chunk away from who was asked for it.
  return `${chunkFolder(delivery)}/${positionOf(chunk)}-${digest}.jsonl`;
}

export function resultObject(delivery: DeliveredSignature, chunk: number): string {
  return `${chunkFolder(delivery)}/${positionOf(chunk)}.result.jsonl`;
}

/** As text that sorts like the number. */
function positionOf(chunk: number): string {
  return String(chunk).padStart(6, '0');
}

function chunkFolder(delivery: DeliveredSignature): string {
  return `imports/${hash('sha256', importPartition(delivery)).slice(0, 40)}`;
}

export function reportKey(manifestKey: string): string {
  return `${manifestKey}.report`;
}

export function addCounts(all: readonly Counts[]): Counts {
  const sum = noCounts();
  for (const counts of all) for (const name of RESULTS) sum[name] += counts[name];
  return sum;
}

const RESULTS = ['accepted', 'held', 'waiting', 'unchanged', 'refused'] as const;

export function noCounts(): Counts {
  return { accepted: 0, held: 0, waiting: 0, unchanged: 0, refused: 0 };
}

export function parseImport(row: unknown): StoredImport {
  return parseRow(ROW, row, 'import row');
}

export function parseChunkRow(row: unknown): Counts {
  return parseRow(CHUNK_ROW, row, 'chunk row').counts;
}
