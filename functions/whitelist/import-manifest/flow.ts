// Step `import-manifest`: is this delivery genuine, and what does it list? Its signatures are verified over a fixed
// version; every entry is checked and put into chunks for `list-devices` (blueprint step 1). Nothing is taken from a file
// whose signature fails.
import { createHash } from 'node:crypto';

import { anchorKey, parseAnchor, type Anchor } from '../../../shared/identity/anchor.ts';
import type { EntryRandomness } from '../../../shared/ledger/entry.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import type { ChunkQueue, Clock, ManifestStore, Registry, StoredObject } from '../../../shared/ports.ts';
import type { ManifestFormat } from '../../../shared/whitelist/formats/format.ts';
import { readOpening } from '../../../shared/whitelist/formats/wardkey.ts';
import { importKey, parseImport, type VerifiedImport } from '../../../shared/whitelist/import.ts';
import { lotKey, parseLot, type Lot } from '../../../shared/whitelist/lot.ts';
import {
  parseDetachedSignature,
  startManifestCheck,
  type VerifiedManifest,
} from '../../../shared/whitelist/signature.ts';
import { writeChunks, type WrittenChunk } from './chunks.ts';
import type { Delivery } from './notice.ts';
import { recordRefusal, recordVerified } from './record.ts';

export interface ImportManifestWorld {
  readonly registry: Registry;
  readonly manifests: ManifestStore;
  readonly chunks: ChunkQueue;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

/** A delivery whose version is known. */
export type FixedDelivery = Delivery & { readonly signatureVersion: string };

export interface Verified {
  readonly verified: VerifiedImport;
  readonly chunks: readonly WrittenChunk[];
}

/**
 * Every chunk has been asked for when this returns. A second run of the same delivery writes the same chunks and asks
 * again; one whose chunks are all listed is left alone.
 */
export async function importManifest(delivery: Delivery, world: ImportManifestWorld): Promise<Outcome<VerifiedImport>> {
  // 1 Fix the versions: what is verified and what is imported must be the same bytes.
  const { signatureKey: key, signatureVersion: versionId } = delivery;
  const signature = versionId === undefined ? await world.manifests.findNewest(key) : { key, versionId };
  const fixed = { ...delivery, signatureVersion: signature?.versionId ?? world.requestId };
  const [row] = await world.registry.read([importKey(fixed)]);
  const known = row === undefined ? undefined : parseImport(row);
  if (known?.decision === 'imported' && known.verified !== undefined) return done(known.verified);
  // 2 Verify and cut into chunks; the time of the first run makes a second one write the same bytes.
  const now = known?.verified?.importedAt ?? world.clock.now();
  const manifestVersion = known?.verified?.manifestVersion;
  const outcome =
    signature === undefined ? absent(key) : await verify(signature, { delivery: fixed, manifestVersion, now }, world);
  // 3 Record, then ask for the chunks. A crash in between is healed by the next run of this delivery.
  if (outcome.outcome === 'refused') {
    await recordRefusal(fixed, { refusal: outcome.refusal, known }, world);
    return outcome;
  }
  const { verified, chunks } = outcome.value;
  await recordVerified(fixed, { verified, known }, world);
  const { signatureKey, signatureVersion } = fixed;
  for (const { chunk, digest } of chunks) await world.chunks.request({ signatureKey, signatureVersion, chunk, digest });
  return done(verified);
}

interface Verifying {
  readonly delivery: FixedDelivery;
  /** Of an earlier run of the same delivery: a newer manifest under the key must not undo its verdict. */
  readonly manifestVersion: string | undefined;
  readonly now: string;
}

async function verify(
  signature: StoredObject,
  { delivery, manifestVersion, now }: Verifying,
  world: ImportManifestWorld,
): Promise<Outcome<Verified>> {
  const { manufacturer, manifestKey, format } = delivery;
  const object = await findManifest(signature, { delivery, manifestVersion }, world);
  if (object === undefined) return absent(manifestKey);
  const anchors = await readAnchors(manufacturer, world.registry);
  // The signature over the whole file (forged or altered manifest); entries that sign for themselves are verified below.
  const signed = await verifyFile(object, { signature, format, anchors, now }, world);
  if (signed.outcome === 'refused') return signed;
  // Its lot: what was not agreed beforehand is refused as a whole, and can be delivered again once it is.
  const lot = await findLot(object, delivery, world);
  if (lot.outcome === 'refused') return lot;
  const source = { object, delivery, anchors, lot: lot.value, now, signed: signed.value };
  const chunks = await writeChunks(source, world.manifests);
  if (chunks.outcome === 'refused') return chunks;
  const { product, lot: name } = lot.value;
  const about = {
    manifestKey,
    manifestVersion: object.versionId,
    manufacturer,
    product,
    lot: name,
    format: format.name,
    deliveredBy: delivery.deliveredBy,
  };
  return done({
    verified: { ...about, ...signed.value, importedAt: now, chunks: chunks.value.length },
    chunks: chunks.value,
  });
}

function findManifest(
  signature: StoredObject,
  { delivery, manifestVersion }: Omit<Verifying, 'now'>,
  world: ImportManifestWorld,
): Promise<StoredObject | undefined> {
  const { format, manifestKey: key } = delivery;
  if (format.signature === 'entry') return Promise.resolve(signature);
  if (manifestVersion !== undefined) return Promise.resolve({ key, versionId: manifestVersion });
  return world.manifests.findNewest(key);
}

/** What is known of the file as a whole. Entries that are signed one by one name their signers themselves. */
export interface SignedFile {
  /** SHA-256 of the file. */
  readonly manifest: string;
  readonly signer: string;
  readonly signedAt: string;
}

interface FileToVerify {
  readonly now: string;
  readonly format: ManifestFormat;
  readonly signature: StoredObject;
  readonly anchors: readonly Anchor[];
}

async function verifyFile(
  object: StoredObject,
  { signature, format, anchors, now }: FileToVerify,
  world: ImportManifestWorld,
): Promise<Outcome<SignedFile>> {
  if (format.signature === 'entry') {
    return done({ manifest: await digestOf(world.manifests.read(object)), signer: 'each-entry', signedAt: now });
  }
  const verified = await verifyDetached(object, { signature, format, anchors, now }, world);
  if (verified.outcome === 'refused') return verified;
  const { digest, signer, signedAt } = verified.value;
  return done({ manifest: digest, signer, signedAt });
}

async function verifyDetached(
  object: StoredObject,
  { signature, anchors, now }: FileToVerify,
  world: ImportManifestWorld,
): Promise<Outcome<VerifiedManifest>> {
  const jws = await readText(world.manifests.read(signature));
  if (jws === undefined) return refused({ reason: 'signature-malformed', problem: 'expected at most 8 KiB' });
  const parsed = parseDetachedSignature(jws);
  if (parsed.outcome === 'refused') return parsed;
  // By certificate hash: another certificate of the same name is another signer.
  const signer = anchors.find(
    ({ purpose, certificate }) => purpose === 'signer' && certificate.fingerprint === parsed.value.signer,
  );
  const check = startManifestCheck(parsed.value, signer, now);
  if (check.outcome === 'refused') return check;
  for await (const chunk of world.manifests.read(object)) check.value.update(chunk);
  return check.value.finish();
}

/** Our own format names lot and product; elsewhere the file's name is the lot's, and the lot names the product. */
async function findLot(
  object: StoredObject,
  { format, manufacturer, name }: Delivery,
  world: ImportManifestWorld,
): Promise<Outcome<Lot>> {
  if (format.name !== 'wardkey') return readLot(manufacturer, name, world.registry);
  const header = await readOpening(world.manifests.read(object));
  if (header.outcome === 'refused') return header;
  const { manufacturer: got, lot, product } = header.value;
  // A signer speaks for its own manufacturer, in that manufacturer's folder.
  if (got !== manufacturer) return refused({ reason: 'manufacturer-differs', expected: manufacturer, got });
  const agreed = await readLot(manufacturer, lot, world.registry);
  if (agreed.outcome === 'refused' || agreed.value.product === product) return agreed;
  return refused({ reason: 'product-differs', expected: agreed.value.product, got: product });
}

async function readLot(manufacturer: string, lot: string, registry: Registry): Promise<Outcome<Lot>> {
  const [row] = await registry.read([lotKey(manufacturer, lot)]);
  return row === undefined ? refused({ reason: 'lot-unknown', manufacturer, lot }) : done(parseLot(row));
}

async function readAnchors(manufacturer: string, registry: Registry): Promise<readonly Anchor[]> {
  const { table, pk } = anchorKey(manufacturer, 'authority', '');
  const prefixes = ['authority#', 'root#', 'signer#'];
  return (await Promise.all(prefixes.map((prefix) => registry.list(table, pk, prefix)))).flat().map(parseAnchor);
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

async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of chunks) digest.update(chunk);
  return digest.digest('hex');
}

function absent(key: string) {
  return refused({ reason: 'manifest-absent', key });
}
