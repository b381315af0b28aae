// What becomes of each line? Parsed, checked against its manufacturer's authorities, compared with what is listed, and
// written with its entry; a few lines a transaction.
import type { Anchor } from '../../../shared/identity/anchor.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Attributes, Change } from '../../../shared/ports.ts';
import type { Refusal } from '../../../shared/reasons.ts';
import {
  compareListing,
  idClaimKey,
  listDevice,
  listingKey,
  parseIdClaim,
  parseListing,
  type Listing,
} from '../../../shared/whitelist/listing.ts';
import { parseManifestLine, type ManifestHeader } from '../../../shared/whitelist/manifest.ts';
import type { VerifiedManifest } from '../../../shared/whitelist/signature.ts';
import type { ImportManifestWorld } from './flow.ts';
import { readLines, type Line } from './lines.ts';

export interface LineReport {
  readonly line: number;
  readonly result: 'accepted' | 'unchanged' | 'refused';
  readonly device?: string;
  readonly fingerprint?: string;
  readonly refusal?: Refusal;
}

export interface ImportContext {
  readonly manifest: VerifiedManifest;
  readonly header: ManifestHeader;
  readonly authorities: readonly Anchor[];
  readonly now: string;
}

/** Three changes a line (listing, id, entry): 25 lines stay below the 100 of a transaction. */
const CHUNK = 25;
const ATTEMPTS = 3;

/** One report per device line, in order. A crash between two chunks leaves whole chunks; the rerun finds them unchanged. */
export async function listLines(
  chunks: AsyncIterable<Uint8Array>,
  context: ImportContext,
  world: ImportManifestWorld,
): Promise<readonly LineReport[]> {
  const reports: LineReport[] = [];
  let waiting: Line[] = [];
  for await (const line of readLines(chunks)) {
    if (line.number === 1) continue; // the header
    waiting.push(line);
    if (waiting.length < CHUNK) continue;
    reports.push(...(await listChunk(waiting, context, world)));
    waiting = [];
  }
  reports.push(...(await listChunk(waiting, context, world)));
  return reports;
}

async function listChunk(lines: readonly Line[], context: ImportContext, world: ImportManifestWorld) {
  const parsed = lines.map((line) => ({ line: line.number, listing: parseLine(line, context) }));
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const known = await readKnown(
      parsed.flatMap(({ listing }) => (listing.outcome === 'done' ? [listing.value] : [])),
      world,
    );
    const { reports, changes } = compareChunk(parsed, known, world);
    if (changes.length === 0 || (await world.registry.commit(changes)) === 'committed') return reports;
    // Another import listed one of these devices meanwhile: compare anew.
  }
  throw new Fault(
    'comparison-lost',
    `manifest "${context.manifest.digest}": other imports were faster ${ATTEMPTS} times`,
  );
}

function parseLine(line: Line, { manifest, header, authorities, now }: ImportContext): Outcome<Listing> {
  // What was cut off may be what makes the line invalid.
  if (line.cut) return refused({ reason: 'manifest-malformed', line: line.number, problem: 'expected at most 64 KiB' });
  const entry = parseManifestLine(line.text, line.number);
  if (entry.outcome === 'refused') return entry;
  return listDevice(entry.value, { manifest, header, authorities, line: line.number, now });
}

/** What is listed, by fingerprint, and which fingerprint holds an id; grows as the lines of a chunk are decided. */
interface Known {
  readonly listings: Map<string, Listing>;
  readonly ids: Map<string, string>;
}

async function readKnown(listings: readonly Listing[], world: ImportManifestWorld): Promise<Known> {
  const known: Known = { listings: new Map(), ids: new Map() };
  if (listings.length === 0) return known;
  const fingerprints = [...new Set(listings.map(({ fingerprint }) => fingerprint))];
  const devices = [...new Set(listings.map(({ device }) => device))];
  const rows = await world.registry.read([...fingerprints.map(listingKey), ...devices.map(idClaimKey)]);
  const stored = rows.slice(0, fingerprints.length);
  const reserved = rows.slice(fingerprints.length);
  fill(fingerprints, stored, (fingerprint, row) => known.listings.set(fingerprint, parseListing(row)));
  fill(devices, reserved, (device, row) => known.ids.set(device, parseIdClaim(row).fingerprint));
  return known;
}

function fill(
  names: readonly string[],
  rows: readonly (Attributes | undefined)[],
  put: (name: string, row: Attributes) => void,
) {
  names.forEach((name, index) => {
    const row = rows[index];
    if (row !== undefined) put(name, row);
  });
}

interface ParsedLine {
  readonly line: number;
  readonly listing: Outcome<Listing>;
}

function compareChunk(lines: readonly ParsedLine[], known: Known, world: ImportManifestWorld) {
  const reports: LineReport[] = [];
  const changes: Change[] = [];
  for (const { line, listing } of lines) {
    const verdict = listing.outcome === 'refused' ? listing : compareKnown(listing.value, known);
    if (verdict.outcome === 'refused') {
      reports.push({ line, result: 'refused', ...namesOf(listing), refusal: verdict.refusal });
      continue;
    }
    const accepted = verdict.value === 'new';
    reports.push({ line, result: accepted ? 'accepted' : 'unchanged', ...namesOf(listing) });
    if (accepted && listing.outcome === 'done') changes.push(...accept(listing.value, known, world));
  }
  return { reports, changes };
}

function compareKnown(listing: Listing, known: Known): Outcome<'new' | 'unchanged'> {
  return compareListing(listing, known.listings.get(listing.fingerprint), known.ids.get(listing.device));
}

function namesOf(listing: Outcome<Listing>) {
  return listing.outcome === 'done' ? { device: listing.value.device, fingerprint: listing.value.fingerprint } : {};
}

function accept(listing: Listing, known: Known, world: ImportManifestWorld): Change[] {
  const { fingerprint, device, provenance } = listing;
  known.listings.set(fingerprint, listing);
  known.ids.set(device, fingerprint);
  const entry = recordEntry(
    {
      stream: STREAMS.listing(fingerprint),
      seq: 1,
      kind: 'listed',
      time: provenance.importedAt,
      detail: {
        actor: { kind: 'step', step: 'import-manifest' },
        decision: 'done',
        device,
        inputs: { fingerprint, issuer: listing.issuer, provenance },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return [
    { create: listingKey(fingerprint), row: listing },
    { create: idClaimKey(device), row: { version: 1, fingerprint } },
    entry,
  ];
}
