// What would become of this manifest? Decided offline by the parsers and the rule of the import, with the trust that is
// given and as if nothing were listed yet. What only the deployment knows, a lot's allotment, is not looked at.
import type { Anchor } from '../shared/identity/anchor.ts';
import type { Certificate } from '../shared/identity/certificate.ts';
import { done, refused, type Outcome } from '../shared/outcome.ts';
import type { Refusal } from '../shared/reasons.ts';
import type { ChunkLine } from '../shared/whitelist/chunk.ts';
import { decideLine, knowNothing, type GroupState, type LineReport } from '../shared/whitelist/decide-line.ts';
import type { ManifestEntry, ManifestFormat, NumberedEntry } from '../shared/whitelist/formats/format.ts';
import { listDevice, type Listing, type ListingContext } from '../shared/whitelist/listing.ts';
import { parseDetachedSignature, startManifestCheck, type VerifiedManifest } from '../shared/whitelist/signature.ts';
import { waitFor } from '../shared/whitelist/waiting.ts';

export interface CheckOrder {
  readonly format: ManifestFormat;
  readonly manufacturer: string;
  readonly signers: readonly Anchor[];
  /** Without anchors no chain is checked, and the answer says so. */
  readonly anchors: readonly Anchor[];
  readonly now: string;
  /** The file's bytes, from the start each time. */
  read(): AsyncIterable<Uint8Array>;
  /** The detached signature beside the file. */
  readonly signature: string | undefined;
  /** For its name in a refusal. */
  readonly signatureFile: string;
}

/** As the report of an import says it; `held` needs a lot. */
export type LineResult = Exclude<LineReport['result'], 'held'>;

export interface CheckedLine {
  readonly line: number;
  readonly result: LineResult;
  readonly serial?: string;
  readonly refusal?: Refusal;
}

export interface CheckReport {
  /** Of a file that is signed as a whole: its digest, who signed it and when. */
  readonly manifest?: Pick<VerifiedManifest, 'digest' | 'signer' | 'signedAt'>;
  /** Why the whole file is refused; then no line was read. */
  readonly refusal?: Refusal;
  readonly totals: Readonly<Record<LineResult, number>> & { readonly reasons: Readonly<Record<string, number>> };
  readonly lines: readonly CheckedLine[];
}

/** Nothing of a file is accepted whose signature fails, or that does not hold as many devices as it says. */
export async function checkManifest(order: CheckOrder, note: (line: string) => void): Promise<CheckReport> {
  const verified = order.format.signature === 'file' ? await verifyFile(order) : undefined;
  if (verified?.outcome === 'refused') return refuseFile(verified.refusal);
  const lines: CheckedLine[] = [];
  const state = imagineWhitelist(order);
  for await (const numbered of order.format.read(order.read(), order)) {
    const { entry } = numbered;
    if (entry.outcome === 'refused' && entry.refusal.reason === 'count-differs') return refuseFile(entry.refusal);
    lines.push(checkEntry(numbered, order, state));
    if (lines.length % 1000 === 0) note(`${lines.length} entries`);
  }
  const report = summarise(lines);
  if (verified === undefined) return report;
  const { digest, signer, signedAt } = verified.value;
  return { manifest: { digest, signer, signedAt }, ...report };
}

async function verifyFile(order: CheckOrder): Promise<Outcome<VerifiedManifest>> {
  const { signature: jws, signers, now } = order;
  if (jws === undefined) {
    return refused({ reason: 'signature-malformed', problem: `there is no file "${order.signatureFile}"` });
  }
  const signature = parseDetachedSignature(jws);
  if (signature.outcome === 'refused') return signature;
  const signer = signers.find(({ certificate }) => certificate.fingerprint === signature.value.signer);
  const check = startManifestCheck(signature.value, signer, now);
  if (check.outcome === 'refused') return check;
  for await (const chunk of order.read()) check.value.update(chunk);
  return check.value.finish();
}

/** Nothing is listed and any lot has room: the whitelist holds what this file would have listed so far. */
function imagineWhitelist({ manufacturer }: CheckOrder): GroupState {
  const lot = { version: 1, manufacturer, lot: '', product: '', count: Number.MAX_SAFE_INTEGER } as const;
  return { known: knowNothing(), room: { lot, before: undefined, listed: 0 } };
}

function checkEntry(numbered: NumberedEntry, order: CheckOrder, state: GroupState): CheckedLine {
  const { line, entry } = numbered;
  const { result, refusal } = decideLine({ line, verdict: judge(numbered, order) }, state).report;
  if (result === 'held') throw new TypeError(`line ${line}: held in a lot without an end`);
  const serial = entry.outcome === 'done' ? { serial: entry.value.serial } : {};
  return { line, ...serial, result, ...(refusal === undefined ? {} : { refusal }) };
}

/** As `import-manifest` judges an entry before it is compared. */
function judge({ line, entry }: NumberedEntry, order: CheckOrder): ChunkLine['verdict'] {
  if (entry.outcome === 'refused') return { refusal: entry.refusal };
  const context = contextOf(order, line);
  const { certificate } = entry.value;
  if (certificate === undefined) {
    const waiting = waitFor(entry.value, context);
    return waiting.outcome === 'done' ? { waiting: waiting.value } : { refusal: waiting.refusal };
  }
  const chains = order.anchors.length > 0;
  const listing = chains ? listDevice(entry.value, context) : listUnchecked(entry.value, certificate, context);
  return listing.outcome === 'done' ? { listing: listing.value } : { refusal: listing.refusal };
}

/** Where an entry came from decides nothing here. */
function contextOf({ manufacturer, anchors, now }: CheckOrder, line: number): ListingContext {
  const signedBy = { signer: '', signedAt: now };
  return { manufacturer, product: '', lot: '', manifest: '', signedBy, anchors, line, now };
}

/** The listing of a device whose chain nobody checks, because no authority was named: it is compared all the same. */
function listUnchecked(
  entry: ManifestEntry,
  { fingerprint, notBefore, notAfter }: Certificate,
  context: ListingContext,
): Outcome<Listing> {
  const device = waitFor(entry, context);
  if (device.outcome === 'refused') return device;
  return done({ ...device.value, path: 'jitr', fingerprint, issuer: '', chain: [], notBefore, notAfter });
}

function refuseFile(refusal: Refusal): CheckReport {
  return { refusal, ...summarise([], refusal) };
}

function summarise(lines: readonly CheckedLine[], whole?: Refusal): CheckReport {
  const totals = { accepted: 0, waiting: 0, unchanged: 0, refused: 0 };
  const reasons: Record<string, number> = whole === undefined ? {} : { [whole.reason]: 1 };
  for (const { result, refusal } of lines) {
    totals[result] += 1;
    if (refusal !== undefined) reasons[refusal.reason] = (reasons[refusal.reason] ?? 0) + 1;
  }
  return { totals: { ...totals, reasons }, lines };
}
