// How does a manifest of any length come to the whitelist? Cut into chunks of checked entries, one object each.
import { hash } from 'node:crypto';

import type { Anchor } from '../../../shared/identity/anchor.ts';
import { done, type Outcome } from '../../../shared/outcome.ts';
import type { ManifestStore, StoredObject } from '../../../shared/ports.ts';
import { writeChunk, type ChunkLine } from '../../../shared/whitelist/chunk.ts';
import type { NumberedEntry } from '../../../shared/whitelist/formats/format.ts';
import { chunkObject } from '../../../shared/whitelist/import.ts';
import { listDevice } from '../../../shared/whitelist/listing.ts';
import type { Lot } from '../../../shared/whitelist/lot.ts';
import { waitFor } from '../../../shared/whitelist/waiting.ts';
import type { FixedDelivery, SignedFile } from './flow.ts';

export interface ManifestSource {
  readonly object: StoredObject;
  readonly delivery: FixedDelivery;
  readonly anchors: readonly Anchor[];
  readonly lot: Lot;
  readonly signed: SignedFile;
  readonly now: string;
}

export interface WrittenChunk {
  readonly chunk: number;
  readonly digest: string;
}

/** What one run of list-devices does well within its time. */
const CHUNK_LINES = 500;

/** At least one chunk, so that the last of them can close the import. Refused: the file contradicts itself as a whole. */
export async function writeChunks(
  source: ManifestSource,
  store: ManifestStore,
): Promise<Outcome<readonly WrittenChunk[]>> {
  const { object, delivery, anchors, now } = source;
  const context = { manufacturer: delivery.manufacturer, signers: anchors.filter(isSigner), now };
  const written: WrittenChunk[] = [];
  let waiting: ChunkLine[] = [];
  const flush = async () => {
    written.push(await writeObject({ chunk: written.length + 1, delivery, lines: waiting }, store));
    waiting = [];
  };
  for await (const numbered of delivery.format.read(store.read(object), context)) {
    const { entry } = numbered;
    // Nothing was asked for yet: chunks that lie there already are never read.
    if (entry.outcome === 'refused' && entry.refusal.reason === 'count-differs') return entry;
    waiting.push(checkLine(numbered, source));
    if (waiting.length === CHUNK_LINES) await flush();
  }
  if (waiting.length > 0 || written.length === 0) await flush();
  return done(written);
}

function checkLine({ line, entry }: NumberedEntry, { delivery, anchors, lot, signed, now }: ManifestSource): ChunkLine {
  if (entry.outcome === 'refused') return { line, verdict: { refusal: entry.refusal } };
  const { manufacturer } = delivery;
  const about = { manufacturer, product: lot.product, lot: lot.lot, manifest: signed.manifest, signedBy: signed };
  const context = { ...about, anchors: anchors.filter(endsChains), line, now };
  if (entry.value.certificate === undefined) {
    const waiting = waitFor(entry.value, context);
    return { line, verdict: waiting.outcome === 'done' ? { waiting: waiting.value } : { refusal: waiting.refusal } };
  }
  const listing = listDevice(entry.value, context);
  return { line, verdict: listing.outcome === 'done' ? { listing: listing.value } : { refusal: listing.refusal } };
}

interface ChunkToWrite {
  readonly chunk: number;
  readonly delivery: FixedDelivery;
  readonly lines: readonly ChunkLine[];
}

async function writeObject({ chunk, delivery, lines }: ChunkToWrite, store: ManifestStore): Promise<WrittenChunk> {
  const text = writeChunk(lines);
  const written = { chunk, digest: hash('sha256', text) };
  await store.write(chunkObject(delivery, written), text);
  return written;
}

function isSigner({ purpose }: Anchor): boolean {
  return purpose === 'signer';
}

function endsChains({ purpose }: Anchor): boolean {
  return purpose === 'authority' || purpose === 'root';
}
