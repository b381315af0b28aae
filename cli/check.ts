// What would become of this manifest? Decided offline, by the same parsers as the import, with the trust that is given.
import type { Anchor } from '../shared/identity/anchor.ts';
import { makeDeviceId } from '../shared/identity/device-id.ts';
import { refused, type Outcome } from '../shared/outcome.ts';
import type { Refusal } from '../shared/reasons.ts';
import { findAnchor } from '../shared/whitelist/formats/chain.ts';
import type { ManifestEntry, ManifestFormat } from '../shared/whitelist/formats/format.ts';
import { parseDetachedSignature, startManifestCheck, type VerifiedManifest } from '../shared/whitelist/signature.ts';

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

export type LineResult = 'accepted' | 'waits' | 'unchanged' | 'refused';

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

/** Nothing of a file is accepted whose signature fails. */
export async function checkManifest(order: CheckOrder, note: (line: string) => void): Promise<CheckReport> {
  const verified = order.format.signature === 'file' ? await verifyFile(order) : undefined;
  if (verified?.outcome === 'refused') return { refusal: verified.refusal, ...summarise([], verified.refusal) };
  const lines: CheckedLine[] = [];
  const known = new KnownDevices(order.manufacturer);
  for await (const { line, entry } of order.format.read(order.read(), order)) {
    lines.push(checkEntry(line, entry, { known, order }));
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

interface Scene {
  readonly known: KnownDevices;
  readonly order: CheckOrder;
}

function checkEntry(line: number, entry: Outcome<ManifestEntry>, { known, order }: Scene): CheckedLine {
  if (entry.outcome === 'refused') return { line, result: 'refused', refusal: entry.refusal };
  const { serial, certificate, chain } = entry.value;
  const { anchors, manufacturer } = order;
  if (certificate !== undefined && anchors.length > 0) {
    const anchor = findAnchor({ certificate, chain }, anchors, manufacturer);
    if (anchor.outcome === 'refused') return { line, serial, result: 'refused', refusal: anchor.refusal };
  }
  const compared = known.add(entry.value);
  if (compared.outcome === 'refused') return { line, serial, result: 'refused', refusal: compared.refusal };
  if (compared.value === 'unchanged') return { line, serial, result: 'unchanged' };
  return { line, serial, result: certificate === undefined ? 'waits' : 'accepted' };
}

/** The devices of this file so far, compared as the import compares them: the first value stays. */
class KnownDevices {
  private readonly manufacturer: string;
  private readonly ids = new Map<string, string>();
  private readonly keys = new Map<string, string>();

  constructor(manufacturer: string) {
    this.manufacturer = manufacturer;
  }

  add({ serial, certificate, keyFingerprint }: ManifestEntry): Outcome<'new' | 'unchanged'> {
    const id = makeDeviceId(this.manufacturer, serial);
    if (id.outcome === 'refused') return id;
    const device = id.value;
    const got = certificate?.fingerprint ?? keyFingerprint;
    // One serial number twice: one of the two is a clone, or a lie (T011).
    const listed = this.ids.get(device);
    if (listed !== undefined && listed !== got) return refused({ reason: 'id-taken', device, listed, got });
    // One key under two serial numbers is one secret in two places (T012).
    const holder = this.keys.get(keyFingerprint);
    if (holder !== undefined && holder !== device) {
      return refused({ reason: 'key-taken', device, listed: holder, got: keyFingerprint });
    }
    this.ids.set(device, got);
    this.keys.set(keyFingerprint, device);
    return { outcome: 'done', value: listed === undefined ? 'new' : 'unchanged' };
  }
}

function summarise(lines: readonly CheckedLine[], whole?: Refusal): CheckReport {
  const totals = { accepted: 0, waits: 0, unchanged: 0, refused: 0 };
  const reasons: Record<string, number> = whole === undefined ? {} : { [whole.reason]: 1 };
  for (const { result, refusal } of lines) {
    totals[result] += 1;
    if (refusal !== undefined) reasons[refusal.reason] = (reasons[refusal.reason] ?? 0) + 1;
  }
  return { totals: { ...totals, reasons }, lines };
}
