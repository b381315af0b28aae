// What does a decided line write? A new listing: its row, the id and the key that nobody else may hold, and its entry; for
// a device whose CA nobody here can register, also the row by which align-broker makes its certificate known.
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import type { Change } from '../../../shared/ports.ts';
import { certificateKey, wish, type CertificateRow } from '../../../shared/whitelist/certificate-row.ts';
import type { DecidedLine } from '../../../shared/whitelist/decide-line.ts';
import {
  idClaimKey,
  isHeld,
  keyClaimKey,
  listingKey,
  type IdClaim,
  type Listing,
} from '../../../shared/whitelist/listing.ts';
import { waitingKey, type Waiting } from '../../../shared/whitelist/waiting.ts';
import type { ListDevicesWorld } from './flow.ts';

/** By certificateId: certificates that asked to be let in before they were listed. */
export type CertificateRows = ReadonlyMap<string, CertificateRow>;

export function lineChanges(
  { listing, waiting, awaited }: DecidedLine,
  certificates: CertificateRows,
  world: ListDevicesWorld,
): readonly Change[] {
  if (waiting !== undefined) return waitingChanges(waiting, world);
  if (listing === undefined) return [];
  const known = certificates.get(listing.fingerprint);
  return [...listingChanges(listing, awaited === true, world), ...registrationChanges(listing, known, world)];
}

function listingChanges(listing: Listing, awaited: boolean, world: ListDevicesWorld): readonly Change[] {
  const { fingerprint, device, keyFingerprint, provenance } = listing;
  const entry = recordEntry(
    {
      stream: STREAMS.listing(fingerprint),
      seq: listing.version,
      kind: isHeld(listing) ? 'held' : 'listed',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'step', step: 'list-devices' },
        decision: 'done',
        device,
        inputs: { fingerprint, issuer: listing.issuer, lot: listing.lot, provenance },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return [
    { create: listingKey(fingerprint), row: listing },
    ...(awaited ? endOfWaiting(listing) : reservations({ device, keyFingerprint, fingerprint })),
    entry,
  ];
}

interface Reserved {
  readonly device: string;
  readonly keyFingerprint: string;
  readonly fingerprint?: string;
}

/** The id and the key are nobody else's, whether the certificate is there or awaited: both kinds of lines meet here. */
function reservations({ device, keyFingerprint, fingerprint }: Reserved): readonly Change[] {
  const id = fingerprint === undefined ? { version: 1 } : { version: 1, fingerprint };
  return [
    { create: idClaimKey(device), row: id },
    { create: keyClaimKey(keyFingerprint), row: { version: 1, device } },
  ];
}

function endOfWaiting({ device, fingerprint }: Listing): readonly Change[] {
  return [{ replace: idClaimKey(device), previous: { version: 1 }, next: { version: 2, fingerprint } as IdClaim }];
}

function waitingChanges(waiting: Waiting, world: ListDevicesWorld): readonly Change[] {
  const { device, keyFingerprint, lot, provenance } = waiting;
  const entry = recordEntry(
    {
      stream: STREAMS.waiting(device),
      seq: waiting.version,
      kind: 'waiting',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'step', step: 'list-devices' },
        decision: 'done',
        device,
        inputs: { keyFingerprint, lot, provenance },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return [{ create: waitingKey(device), row: waiting }, ...reservations({ device, keyFingerprint }), entry];
}

/** A certificate that was refused for good before it was listed stays refused. */
function registrationChanges(
  { path, fingerprint }: Listing,
  previous: CertificateRow | undefined,
  world: ListDevicesWorld,
): readonly Change[] {
  if (path !== 'registered' || previous?.wanted === 'revoked') return [];
  const time = world.clock.now();
  const key = certificateKey(fingerprint);
  const row = wish({ certificateId: fingerprint, wanted: 'known', since: time }, previous);
  const entry = recordEntry(
    {
      stream: STREAMS.certificate(fingerprint),
      seq: row.version,
      kind: 'alignment-requested',
      time,
      detail: {
        actor: { kind: 'step', step: 'list-devices' },
        decision: 'done',
        inputs: { certificateId: fingerprint },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return [previous === undefined ? { create: key, row } : { replace: key, previous, next: row }, entry];
}

const CERTIFICATE_ROW = /^certificate#([0-9a-f]{64})$/;

/** The certificate that a change asks the broker to know, if it is one that does. */
export function registrationOf(change: Change): readonly string[] {
  const { table, pk } = 'create' in change ? change.create : change.replace;
  const id = table === 'devices' ? CERTIFICATE_ROW.exec(pk)?.[1] : undefined;
  return id === undefined ? [] : [id];
}
