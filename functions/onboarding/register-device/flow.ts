// Step `register-device`: a device connected for the first time; is it admitted, and if not, why? (blueprint step 2)
import { authorityKey, parseAuthority } from '../../../shared/identity/anchor.ts';
import { verifyFactoryCertificate } from '../../../shared/identity/factory-certificate.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { deviceKey, markPending, parseDevice, type Device, type RegisteredDevice } from '../../../shared/lifecycle.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, Clock, Registry } from '../../../shared/ports.ts';
import type { Refusal } from '../../../shared/reasons.ts';
import { decideAdmission, type Admission } from '../../../shared/whitelist/admit.ts';
import { listingKey, parseListing, type Listing } from '../../../shared/whitelist/listing.ts';
import { refusalKey } from '../../../shared/whitelist/refusal.ts';
import type { Notice } from './notice.ts';

export interface RegisterDeviceWorld {
  readonly registry: Registry;
  readonly alignments: AlignmentQueue;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Registration {
  readonly device: string;
  readonly verdict: Admission['verdict'] | 'ignored';
}

const ATTEMPTS = 3;

/**
 * Two table reads and one transaction, whatever the answer. A notice that comes again meets the recorded decision: at
 * the device row, or by losing the comparison.
 */
export async function registerDevice(notice: Notice, world: RegisterDeviceWorld): Promise<Outcome<Registration>> {
  // Only a certificate that waits for activation asks a question; the others were decided elsewhere (T043).
  if (notice.status !== 'PENDING_ACTIVATION') return done({ device: '', verdict: 'ignored' });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await decideOnce(notice, world);
    if (answer !== 'lost') return answer;
  }
  throw new Fault(
    'comparison-lost',
    `certificate "${notice.certificateId}": another writer was faster ${ATTEMPTS} times`,
  );
}

async function decideOnce(notice: Notice, world: RegisterDeviceWorld): Promise<Outcome<Registration> | 'lost'> {
  // 1 Read what the whitelist and the trust anchors know of this certificate and this authority.
  const { certificateId, authorityId } = notice;
  const [listed, authority] = await world.registry.read([listingKey(certificateId), authorityKey(authorityId)]);
  // 2 Not listed: an unknown device, or one whose key is not the one its factory reported (T023).
  if (listed === undefined) return refuse({ reason: 'not-listed', certificateId }, undefined, notice, world);
  const listing = parseListing(listed);
  const [row] = await world.registry.read([deviceKey(listing.device)]);
  const device = row === undefined ? undefined : parseDevice(row);
  const now = world.clock.now();
  // 3 Verify: the listed certificate, under the authority it was listed with, valid now (foreign CA, expired).
  const presented = {
    certificateId,
    authorityId,
    authority: authority === undefined ? undefined : parseAuthority(authority),
  };
  const certificate = verifyFactoryCertificate(presented, listing, now);
  if (certificate.outcome === 'refused') return refuse(certificate.refusal, { listing, device }, notice, world);
  // 4 Decide: only an owned device is admitted.
  const admission = decideAdmission(certificate.value, listing, device, now);
  if (admission.outcome === 'refused') return refuse(admission.refusal, { listing, device }, notice, world);
  // 5 Act and record in one transaction; then let the broker be brought in line.
  if (admission.value.verdict === 'repeated') return repeat(admission.value.device, notice, world);
  return admit({ next: admission.value.device, previous: device, listing }, notice, world);
}

interface AdmissionChange {
  readonly next: RegisteredDevice;
  readonly previous: Device | undefined;
  readonly listing: Listing;
}

async function admit(
  { next, previous, listing }: AdmissionChange,
  notice: Notice,
  world: RegisterDeviceWorld,
): Promise<Outcome<Registration> | 'lost'> {
  if (previous === undefined) throw new Fault('row-malformed', `device "${next.id}": admitted without a row`);
  const entry = recordEntry(
    {
      stream: STREAMS.device(next.id),
      seq: next.version,
      kind: 'admitted',
      time: next.registeredAt,
      detail: {
        actor: { kind: 'certificate', certificateId: notice.certificateId },
        decision: 'done',
        owner: next.owner,
        device: next.id,
        inputs: { ...noticeInputs(notice), listing: listingInputs(listing), deviceVersion: previous.version },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  const result = await world.registry.commit([{ replace: deviceKey(next.id), previous, next }, entry]);
  if (result === 'lost') return 'lost';
  // A crash here leaves the row `registered` and pending: the sweep of align-broker finds it.
  await world.alignments.request(next.id);
  return done({ device: next.id, verdict: 'admitted' });
}

/** The device was admitted, yet the broker closed it again: IoT Core has a fresh registration that nobody activated. */
async function repeat(
  device: RegisteredDevice,
  notice: Notice,
  world: RegisterDeviceWorld,
): Promise<Outcome<Registration> | 'lost'> {
  const answer = done({ device: device.id, verdict: 'repeated' as const });
  // A duplicate or a straggler tells of a time before the broker was last seen to match.
  if (device.alignedAt !== undefined && Date.parse(notice.connectedAt) <= Date.parse(device.alignedAt)) return answer;
  if (device.brokerPending === undefined) {
    const now = world.clock.now();
    const next = markPending(device, now);
    const entry = recordEntry(
      {
        stream: STREAMS.device(device.id),
        seq: next.version,
        kind: 'alignment-requested',
        time: now,
        detail: {
          actor: { kind: 'certificate', certificateId: notice.certificateId },
          decision: 'done',
          owner: device.owner,
          device: device.id,
          inputs: { ...noticeInputs(notice), deviceVersion: device.version },
          requestId: world.requestId,
        },
      },
      world.random,
    );
    const result = await world.registry.commit([{ replace: deviceKey(device.id), previous: device, next }, entry]);
    if (result === 'lost') return 'lost';
  }
  await world.alignments.request(device.id);
  return answer;
}

interface KnownDevice {
  readonly listing: Listing;
  readonly device: Device | undefined;
}

/** One entry per (certificate, reason, version of the device row); a repeat only counts. The broker is not touched. */
async function refuse(
  refusal: Refusal,
  known: KnownDevice | undefined,
  notice: Notice,
  world: RegisterDeviceWorld,
): Promise<Outcome<Registration>> {
  const time = world.clock.now();
  const version = known?.device?.version ?? 0;
  const key = refusalKey(notice.certificateId, refusal.reason, version);
  const entry = recordEntry(
    {
      stream: STREAMS.refusal(notice.certificateId, refusal.reason, version),
      seq: 1,
      kind: 'refused',
      time,
      detail: {
        actor: { kind: 'certificate', certificateId: notice.certificateId },
        decision: 'refused',
        reason: refusal.reason,
        ...(known?.device === undefined ? {} : { owner: known.device.owner }),
        ...(known === undefined ? {} : { device: known.listing.device }),
        inputs: {
          ...noticeInputs(notice),
          compared: { ...refusal },
          ...(known === undefined ? {} : { listing: listingInputs(known.listing) }),
          deviceVersion: version,
        },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  const about = { deviceVersion: version, ...(known === undefined ? {} : { device: known.listing.device }) };
  const row = { version: 1, reason: refusal.reason, at: time, refusal, ...about };
  const result = await world.registry.commit([{ create: key, row }, entry]);
  if (result === 'lost') await world.registry.countRepeat(key);
  return refused(refusal);
}

function noticeInputs({ certificateId, authorityId, connectedAt }: Notice) {
  return { certificateId, authorityId, connectedAt };
}

function listingInputs({ device, issuer, notBefore, notAfter, provenance }: Listing) {
  return { device, issuer, notBefore, notAfter, manifest: provenance.manifest, line: provenance.line };
}
