// What passes from the check of a manifest to its listing? Lines of our own making: a listing, a device that waits, or
// why there is neither.
import * as z from 'zod';

import { parseJson } from '../json.ts';
import type { Refusal } from '../reasons.ts';
import { parseListing, type Listing } from './listing.ts';
import { parseWaiting, type Waiting } from './waiting.ts';
import { parseRow } from '../rows.ts';

export interface ChunkLine {
  readonly line: number;
  readonly verdict: { readonly listing: Listing } | { readonly waiting: Waiting } | { readonly refusal: Refusal };
}

const LINE = z.object({
  line: z.int().min(1),
  listing: z.unknown().optional(),
  waiting: z.unknown().optional(),
  refusal: z.looseObject({ reason: z.string() }).optional(),
});

export function writeChunk(lines: readonly ChunkLine[]): string {
  return lines.map(({ line, verdict }) => `${JSON.stringify({ line, ...verdict })}\n`).join('');
}

/** An object of our own making, whose size we bounded when we wrote it. */
export async function readWhole(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** Its digest was compared before: anything unexpected is a fault. */
export function parseChunk(text: string): readonly ChunkLine[] {
  return text.split('\n').filter(Boolean).map(parseLine);
}

function parseLine(text: string): ChunkLine {
  const { line, listing, waiting, refusal } = parseRow(LINE, parseJson(text), 'chunk line');
  if (refusal !== undefined) return { line, verdict: { refusal: refusal as unknown as Refusal } };
  if (waiting !== undefined) return { line, verdict: { waiting: parseWaiting(waiting) } };
  return { line, verdict: { listing: parseListing(listing) } };
}
