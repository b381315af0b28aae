// What does the ledger say of a decision? A leaf anyone may see, and a detail only its owner keeps (blueprint step 5).
import { createHash, hash } from 'node:crypto';
import * as z from 'zod';

import { canonicalBytes, type Json } from '../canonical.ts';
import type { RefusalReason } from '../reasons.ts';
import { parseRow } from '../rows.ts';

const ENTRY_FORMAT = 'wardkey-entry/1';
/** Domain separation: a commitment is a hash of nothing else in Wardkey. */
export const COMMITMENT_LABEL = 'wardkey-ledger-detail/1';
const SALT_BYTES = 32;
const SHARDS = 16;

export type EntryKind =
  | 'trust-changed'
  | 'manifest-verified'
  | 'manifest-imported'
  | 'manifest-refused'
  | 'listed'
  | 'held'
  | 'waiting'
  | 'released'
  | 'approval-requested'
  | 'approved'
  | 'claimed'
  | 'act-refused'
  | 'quarantined'
  | 'lifted'
  | 'denied'
  | 'retired'
  | 'placed'
  | 'window-opened'
  | 'reset'
  | 'authority-created'
  | 'issuance-intended'
  | 'signature-attempted'
  | 'certificate-signed'
  | 'signature-discarded'
  | 'certificate-offered'
  | 'certificate-ended'
  | 'offer-withdrawn'
  | 'confirmed'
  | 'renewal-asked'
  | 'revocation-list-intended'
  | 'revocation-list-published'
  | 'clone-suspected'
  | 'breaker-opened'
  | 'breaker-closed'
  | 'hsm-health-changed'
  | 'admitted'
  | 'refused'
  | 'alignment-requested'
  | 'aligned';

export type Actor =
  /** The certificate that was presented; whoever holds its key. */
  | { readonly kind: 'certificate'; readonly certificateId: string }
  /** Who signed a manifest, and the principal that S3 says delivered it. */
  | { readonly kind: 'signer'; readonly signer: string; readonly deliveredBy: string }
  /** An IAM principal, as AWS STS named it for a request signed by that principal's own credentials. */
  | { readonly kind: 'iam'; readonly principal: string }
  | { readonly kind: 'step'; readonly step: string };

export interface Detail {
  readonly actor: Actor;
  readonly decision: 'done' | 'refused';
  readonly reason?: RefusalReason;
  readonly owner?: string;
  readonly device?: string;
  /** What the pure decision read, so that an auditor can repeat it; never a key, a payload or a patient. */
  readonly inputs: Readonly<Record<string, Json>>;
  readonly requestId: string;
}

export interface Leaf {
  readonly format: typeof ENTRY_FORMAT;
  readonly id: string;
  readonly time: string;
  readonly kind: EntryKind;
  /** Lower-case hex SHA-256(label, 0x00, salt, canonical detail): hides the detail, binds to it. */
  readonly commitment: string;
}

/**
 * The entry number `seq` of a stream. A stream is one versioned row, and `seq` is the version that row has after the
 * change the entry speaks of: both are written by one transaction, so versions 1..n of a row have entries 1..n.
 */
export interface Entry {
  readonly stream: string;
  readonly seq: number;
  readonly leaf: Leaf;
  readonly salt: string;
  readonly detail: Detail;
}

export interface EntryDraft {
  readonly stream: string;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly time: string;
  readonly detail: Detail;
}

/** Where an entry takes its id and its salt (32 random bytes) from: the edge. */
export interface EntryRandomness {
  newId(): string;
  newSalt(): Uint8Array;
}

/** The change that records a decision; it goes into the transaction that makes the decision true. */
export function recordEntry(draft: EntryDraft, random: EntryRandomness) {
  const entry = writeEntry(draft, random.newId(), random.newSalt());
  return { create: pendingKey(entry.stream, entry.seq), row: entry };
}

export function writeEntry(draft: EntryDraft, id: string, salt: Uint8Array): Entry {
  const { stream, seq, kind, time, detail } = draft;
  const leaf: Leaf = { format: ENTRY_FORMAT, id, time, kind, commitment: commit(salt, detail) };
  return { stream, seq, leaf, salt: Buffer.from(salt).toString('hex'), detail };
}

const ROW = z.object({
  stream: z.string(),
  seq: z.int().min(1),
  leaf: z.object({
    format: z.literal(ENTRY_FORMAT),
    id: z.string(),
    time: z.iso.datetime(),
    kind: z.string(),
    commitment: z.string(),
  }),
  salt: z.string(),
  detail: z.looseObject({ decision: z.enum(['done', 'refused']), requestId: z.string() }),
});

/** Back from its row, as far as it can be shown; whether it is genuine says `opensCommitment`. */
export function parseEntry(row: unknown): Entry {
  return parseRow(ROW, row, 'ledger row') as unknown as Entry;
}

/** Whether this detail and salt are what the leaf committed to. */
export function opensCommitment(entry: Entry): boolean {
  return commit(Buffer.from(entry.salt, 'hex'), entry.detail) === entry.leaf.commitment;
}

function commit(salt: Uint8Array, detail: Detail): string {
  if (salt.length !== SALT_BYTES) throw new TypeError(`expected a salt of ${SALT_BYTES} bytes, got ${salt.length}`);
  return createHash('sha256')
    .update(`${COMMITMENT_LABEL}\0`)
    .update(salt)
    .update(canonicalBytes(detail as unknown as Json))
    .digest('hex');
}

/** Pending entries wait in a fixed set of partitions, so that the sealer finds all of them by strong queries. */
export function pendingPartition(stream: string): string {
  const shard = Number.parseInt(hash('sha256', stream).slice(0, 2), 16) % SHARDS;
  return `pending#${String(shard).padStart(2, '0')}`;
}

export function pendingKey(stream: string, seq: number) {
  const position = String(seq).padStart(12, '0');
  return { table: 'ledger', pk: pendingPartition(stream), sk: `${stream}#${position}` } as const;
}

export const STREAMS = {
  device: (id: string) => `device/${id}`,
  listing: (fingerprint: string) => `listing/${fingerprint}`,
  refusal: (certificateId: string, reason: RefusalReason, deviceVersion: number) =>
    `refusal/${certificateId}/${reason}/${deviceVersion}`,
  import: (signatureKey: string, signatureVersion: string) => `import/${signatureKey}#${signatureVersion}`,
  anchor: (fingerprint: string) => `anchor/${fingerprint}`,
  authority: (caCertificateId: string) => `authority/${caCertificateId}`,
  breaker: (caCertificateId: string) => `breaker/${caCertificateId}`,
  revocationList: (issuerKey: string) => `crl/${issuerKey}`,
  revokedBatch: (list: string, batch: number) => `crl/${list}/${batch}`,
  waiting: (device: string) => `waiting/${device}`,
  certificate: (certificateId: string) => `certificate/${certificateId}`,
  issuance: (device: string, requestId: string) => `issuance/${device}/${requestId}`,
  /** Each signature that lost against the one that was stored first. */
  discarded: (device: string, requestId: string, signature: string) => `discarded/${device}/${requestId}/${signature}`,
  /** One call to the home of a signing key. */
  signing: (id: string) => `signing/${id}`,
  issuing: (fingerprint: string) => `issuing/${fingerprint}`,
  list: (issuer: string) => `list/${issuer}`,
  /** One sign that a key is in two places: version of the row that showed it. */
  suspicion: (device: string, version: number) => `suspicion/${device}/${version}`,
  renewals: (day: string) => `renewals/${day}`,
  lot: (manufacturer: string, lot: string) => `lot/${manufacturer}/${lot}`,
  approval: (id: string) => `approval/${id}`,
  owner: (owner: string) => `owner/${owner}`,
  hsmHealth: 'hsm/health',
  /** A refused act changes no row; its request is its stream. */
  act: (requestId: string) => `act/${requestId}`,
} as const;
