// Step `show-device`: what is known of this device or certificate, and what was decided? The dossier (blueprint step 5).
import * as z from 'zod';

import type { Dossier, ShownEntry } from '../../../shared/governance/dossier.ts';
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { firstProblem } from '../../../shared/json.ts';
import { opensCommitment, parseEntry, pendingPartition, STREAMS } from '../../../shared/ledger/entry.ts';
import { parseDevice } from '../../../shared/device-row.ts';
import { deviceKey } from '../../../shared/lifecycle.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Registry } from '../../../shared/ports.ts';
import { idClaimKey, listingKey, parseIdClaim, parseListing, type Listing } from '../../../shared/whitelist/listing.ts';
import { parseWaiting, waitingKey } from '../../../shared/whitelist/waiting.ts';
import {
  clonesOf,
  parseClone,
  parseRefusal,
  refusalPartition,
  type StoredRefusal,
} from '../../../shared/whitelist/refusal.ts';

/** A device id, or the SHA-256 of a certificate for one that is not listed. */
const REQUEST = z.strictObject({ subject: z.string().min(1).max(64) });
const CERTIFICATE_ID = /^[0-9a-f]{64}$/;

export async function showDevice(event: unknown, registry: Registry): Promise<Outcome<Dossier>> {
  const request = REQUEST.safeParse(event);
  if (!request.success) return refused({ reason: 'request-malformed', problem: firstProblem(request.error.issues) });
  const { subject } = request.data;
  const id = parseDeviceId(subject);
  if (id.outcome === 'refused') return id;
  const listing = await findListing(subject, registry);
  const fingerprint = listing?.fingerprint ?? subject;
  const refusals = await readRefusals(fingerprint, registry);
  if (listing === undefined && refusals.length === 0) return showWaiting(id.value, registry);
  const streams = [
    ...refusals.map(({ reason, deviceVersion }) => STREAMS.refusal(fingerprint, reason, deviceVersion)),
    ...(listing === undefined ? [] : [STREAMS.waiting(listing.device), STREAMS.listing(fingerprint)]),
    STREAMS.certificate(fingerprint),
    ...(listing === undefined ? [] : [STREAMS.device(listing.device)]),
  ];
  const entries = await readStreams(streams, registry);
  if (listing === undefined) return done({ subject, refusals, clones: [], entries });
  const [row] = await registry.read([deviceKey(listing.device)]);
  const { device } = listing;
  const clones = (await registry.list(clonesOf(device).table, clonesOf(device).pk, '')).map(parseClone);
  const present = row === undefined ? {} : { device: parseDevice(row) };
  return done({ subject, listing, ...present, refusals, clones, entries });
}

async function showWaiting(device: string, registry: Registry): Promise<Outcome<Dossier>> {
  const [row] = await registry.read([waitingKey(device)]);
  const waiting = row === undefined ? undefined : parseWaiting(row);
  if (waiting?.device !== device) return refused({ reason: 'device-unknown', device });
  return done({
    subject: device,
    waiting,
    refusals: [],
    clones: [],
    entries: await readStreams([STREAMS.waiting(device)], registry),
  });
}

async function findListing(subject: string, registry: Registry): Promise<Listing | undefined> {
  const [reserved] = await registry.read([idClaimKey(subject)]);
  const fingerprint = reserved === undefined ? subject : (parseIdClaim(reserved).fingerprint ?? '');
  if (!CERTIFICATE_ID.test(fingerprint)) return undefined;
  const [row] = await registry.read([listingKey(fingerprint)]);
  const listing = row === undefined ? undefined : parseListing(row);
  // An id that differs by case finds the other's reservation.
  return listing?.device === subject || listing?.fingerprint === subject ? listing : undefined;
}

async function readRefusals(certificateId: string, registry: Registry): Promise<readonly StoredRefusal[]> {
  const rows = await registry.list('devices', refusalPartition(certificateId), 'refusal#');
  return rows.map(parseRefusal);
}

async function readStreams(streams: readonly string[], registry: Registry): Promise<readonly ShownEntry[]> {
  const entries = await Promise.all(streams.map((stream) => readEntries(stream, registry)));
  return entries
    .flatMap(timeWithinStream)
    .sort((a, b) => a.time - b.time)
    .map(({ shown }) => shown);
}

/** Two workers' clocks may differ: the order of a stream is its seq, and an entry is no older than the one before it. */
function timeWithinStream(entries: readonly ShownEntry[]): { shown: ShownEntry; time: number }[] {
  let latest = 0;
  return entries.map((shown) => {
    latest = Math.max(latest, Date.parse(shown.entry.leaf.time));
    return { shown, time: latest };
  });
}

async function readEntries(stream: string, registry: Registry): Promise<readonly ShownEntry[]> {
  const rows = await registry.list('ledger', pendingPartition(stream), `${stream}#`);
  return rows.map(parseEntry).map((entry) => ({ entry, opens: opensCommitment(entry) }));
}
