// Reads a whole manifest of any format and says in one word what became of each line.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { Anchor } from '../../../../shared/identity/anchor.ts';
import type { FormatContext, ManifestFormat, NumberedEntry } from '../../../../shared/whitelist/formats/format.ts';

export const NOW = '2026-11-24T12:00:00.000Z';

/** Made by others; the tests that need them are skipped where the folder is missing. */
export const CORPORA = join(import.meta.dirname, '../../../../../shared/corpora');
export const HAVE_CORPORA = existsSync(join(CORPORA, 'manifests-microchip'));

export function contextOf(manufacturer: string, signers: readonly Anchor[] = [], now = NOW): FormatContext {
  return { manufacturer, signers, now };
}

export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export async function readAll(
  format: ManifestFormat,
  text: string | Uint8Array,
  context: FormatContext,
): Promise<readonly NumberedEntry[]> {
  const bytes = Buffer.from(text as string);
  return collect(format.read(inPieces(bytes, 64 * 1024), context));
}

/** `accepted`, or the reason. */
export function resultOf({ entry }: NumberedEntry): string {
  return entry.outcome === 'done' ? 'accepted' : entry.refusal.reason;
}

export function problemOf({ entry }: NumberedEntry): string {
  return entry.outcome === 'refused' && 'problem' in entry.refusal ? entry.refusal.problem : '';
}

export async function resultsOf(format: ManifestFormat, text: string | Uint8Array, context: FormatContext) {
  return (await readAll(format, text, context)).map(resultOf);
}
