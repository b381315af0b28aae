// Step `import-manifest`: a factory's signed manifest becomes whitelist rows, each with where it came from (blueprint
// step 1). Nothing is accepted from a file whose signature fails.
import { anchorKey, parseAnchor, type Anchor } from '../../../shared/identity/anchor.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Clock, ManifestStore, Registry, StoredObject } from '../../../shared/ports.ts';
import type { Refusal } from '../../../shared/reasons.ts';
import { importKey, parseImport } from '../../../shared/whitelist/import.ts';
import { parseManifestHeader, type ManifestHeader } from '../../../shared/whitelist/manifest.ts';
import {
  parseDetachedSignature,
  startManifestCheck,
  type VerifiedManifest,
} from '../../../shared/whitelist/signature.ts';
import { listLines, type LineReport } from './list-lines.ts';
import { readLines, type Line } from './lines.ts';
import type { Delivery } from './notice.ts';
import { writeReport } from './report.ts';

export interface ImportManifestWorld {
  readonly registry: Registry;
  readonly manifests: ManifestStore;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Import {
  readonly manifest: VerifiedManifest;
  readonly header: ManifestHeader;
  readonly lines: readonly LineReport[];
}

/** The report lies beside the manifest when this returns; a second run meets the rows of the first and changes none. */
export async function importManifest(delivery: Delivery, world: ImportManifestWorld): Promise<Outcome<Import>> {
  // 1 Fix the versions: what is verified and what is imported must be the same bytes.
  const { signatureKey: key, signatureVersion: versionId } = delivery;
  const signature = versionId === undefined ? await world.manifests.findNewest(key) : { key, versionId };
  const outcome = signature === undefined ? absent(key) : await importOnce(signature, delivery, world);
  const delivered = { ...delivery, signatureVersion: signature?.versionId ?? world.requestId };
  await recordImport(delivered, outcome, world);
  await world.manifests.writeReport(`${delivery.manifestKey}.report.json`, writeReport(delivered, outcome));
  return outcome;
}

/** A delivery whose signature version is known. */
export type FixedDelivery = Delivery & { readonly signatureVersion: string };

async function importOnce(
  signature: StoredObject,
  { manufacturer, manifestKey }: Delivery,
  world: ImportManifestWorld,
): Promise<Outcome<Import>> {
  const object = await world.manifests.findNewest(manifestKey);
  if (object === undefined) return absent(manifestKey);
  // 2 Verify the signature over the whole file (forged or altered manifest).
  const verified = await verifyManifest(object, { signature, manufacturer }, world);
  if (verified.outcome === 'refused') return verified;
  // 3 Check the header: a signer speaks for its own manufacturer, in that manufacturer's folder.
  const opening = await readOpening(world.manifests.read(object));
  const header = readHeader(opening.first);
  if (header.outcome === 'refused') return header;
  if (header.value.manufacturer !== manufacturer) {
    return refused({ reason: 'manufacturer-differs', expected: manufacturer, got: header.value.manufacturer });
  }
  if (opening.devices !== header.value.count) {
    return refused({ reason: 'count-differs', expected: header.value.count, got: opening.devices });
  }
  // 4 List: every line against the manufacturer's own authorities and what is listed already.
  const authorities = await readAuthorities(manufacturer, world);
  const context = { manifest: verified.value, header: header.value, authorities, now: world.clock.now() };
  const lines = await listLines(world.manifests.read(object), context, world);
  return done({ manifest: verified.value, header: header.value, lines });
}

function absent(key: string) {
  return refused({ reason: 'manifest-absent', key });
}

async function verifyManifest(
  object: StoredObject,
  { signature, manufacturer }: { readonly signature: StoredObject; readonly manufacturer: string },
  world: ImportManifestWorld,
): Promise<Outcome<VerifiedManifest>> {
  const jws = await readText(world.manifests.read(signature));
  if (jws === undefined) return refused({ reason: 'signature-malformed', problem: 'expected at most 8 KiB' });
  const parsed = parseDetachedSignature(jws);
  if (parsed.outcome === 'refused') return parsed;
  const [row] = await world.registry.read([anchorKey(manufacturer, 'signer', parsed.value.signer)]);
  const check = startManifestCheck(parsed.value, row === undefined ? undefined : parseAnchor(row), world.clock.now());
  if (check.outcome === 'refused') return check;
  for await (const chunk of world.manifests.read(object)) check.value.update(chunk);
  return check.value.finish();
}

const LARGEST_SIGNATURE = 8 * 1024;

async function readText(chunks: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > LARGEST_SIGNATURE) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function readOpening(chunks: AsyncIterable<Uint8Array>) {
  let first: Line = { number: 1, text: '', cut: false };
  let lines = 0;
  for await (const line of readLines(chunks)) {
    if (lines === 0) first = line;
    lines += 1;
  }
  return { first, devices: Math.max(0, lines - 1) };
}

function readHeader({ text, cut, number }: Line): Outcome<ManifestHeader> {
  // What was cut off may be what makes the line invalid.
  if (cut) return refused({ reason: 'manifest-malformed', line: number, problem: 'expected at most 64 KiB' });
  return parseManifestHeader(text);
}

async function readAuthorities(manufacturer: string, world: ImportManifestWorld): Promise<readonly Anchor[]> {
  const { table, pk } = anchorKey(manufacturer, 'authority', '');
  return (await world.registry.list(table, pk, 'authority#')).map(parseAnchor);
}

/** One entry per delivered signature and decision: S3 may report an arrival twice, and trust may change in between. */
async function recordImport(
  delivery: FixedDelivery,
  outcome: Outcome<Import>,
  world: ImportManifestWorld,
): Promise<void> {
  const key = importKey(delivery.signatureVersion);
  const [row] = await world.registry.read([key]);
  const previous = row === undefined ? undefined : parseImport(row);
  const decision = outcome.outcome === 'done' ? 'imported' : outcome.refusal.reason;
  if (previous?.decision === decision) return;
  const next = { version: (previous?.version ?? 0) + 1, decision };
  const change = previous === undefined ? { create: key, row: next } : { replace: key, previous, next };
  const result = await world.registry.commit([change, importEntry(delivery, { outcome, seq: next.version }, world)]);
  if (result === 'lost')
    throw new Fault('comparison-lost', `delivery "${delivery.signatureVersion}": decided twice at once`);
}

interface Decided {
  readonly outcome: Outcome<Import>;
  readonly seq: number;
}

function importEntry(
  { signatureVersion, manifestKey, deliveredBy }: FixedDelivery,
  { outcome, seq }: Decided,
  world: ImportManifestWorld,
) {
  const common = { stream: STREAMS.import(signatureVersion), seq, time: world.clock.now() };
  const { requestId } = world;
  if (outcome.outcome === 'refused') {
    const { refusal } = outcome;
    const actor = { kind: 'signer', signer: signerOf(refusal), deliveredBy } as const;
    const detail = {
      actor,
      decision: 'refused',
      reason: refusal.reason,
      inputs: { manifestKey, compared: { ...refusal } },
    } as const;
    return recordEntry({ ...common, kind: 'manifest-refused', detail: { ...detail, requestId } }, world.random);
  }
  const { manifest, lines } = outcome.value;
  const actor = { kind: 'signer', signer: manifest.signer, deliveredBy } as const;
  const inputs = { manifestKey, manifest: manifest.digest, signedAt: manifest.signedAt, results: countResults(lines) };
  return recordEntry(
    { ...common, kind: 'manifest-imported', detail: { actor, decision: 'done', inputs, requestId } },
    world.random,
  );
}

function signerOf(refusal: Refusal): string {
  return 'signer' in refusal ? refusal.signer : 'unverified';
}

export function countResults(lines: readonly LineReport[]): Readonly<Record<LineReport['result'], number>> {
  const counts = { accepted: 0, unchanged: 0, refused: 0 };
  for (const { result } of lines) counts[result] += 1;
  return counts;
}
