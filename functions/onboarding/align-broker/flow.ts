// Step `align-broker`: AWS IoT Core is a projection of the device row; make it match, whoever was interrupted when
// (blueprint step 2). The only step that changes certificates, things and their policies.
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { deviceKey, markAligned, parseDevice, type Device } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { AlignmentQueue, Broker, Clock, Registry } from '../../../shared/ports.ts';
import { toPem } from '../../../shared/identity/certificate.ts';
import { certificateKey, markRegistered, parseCertificateRow } from '../../../shared/whitelist/certificate-row.ts';
import { listingKey, parseListing } from '../../../shared/whitelist/listing.ts';
import { releaseLease, takeLease } from './lease.ts';
import { projectDevice, type Policies, type Shown } from './project.ts';
import { awaitTurn } from './quota.ts';
import type { AlignmentRequest } from './request.ts';

export interface AlignBrokerWorld {
  readonly registry: Registry;
  readonly broker: Broker;
  readonly policies: Policies;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Alignment {
  readonly device: string;
  readonly shown: Shown | 'settled';
}

const ROUNDS = 5;

export async function align(request: AlignmentRequest, world: AlignBrokerWorld): Promise<object> {
  if ('device' in request) return alignDevice(request.device, world);
  return { certificate: request.certificate, shown: await alignCertificate(request.certificate, world) };
}

/** Returns when IoT Core matched a version of the row that was still the newest; throws for another try later. */
export async function alignDevice(device: string, world: AlignBrokerWorld): Promise<Alignment> {
  // 1 One worker per device: a worker that slept would otherwise bring back what a newer row has ended.
  const lease = await takeLease(device, world.registry, world.clock);
  if (lease === undefined) throw new Fault('comparison-lost', `device "${device}": another worker aligns it now`);
  try {
    return { device, shown: await alignUnderLease(device, world) };
  } finally {
    await releaseLease(lease, world.registry, world.clock);
  }
}

/** Makes the broker know a certificate whose CA nobody here can register; it stays INACTIVE until it is owned. */
export async function alignCertificate(
  certificateId: string,
  world: AlignBrokerWorld,
): Promise<'registered' | 'settled'> {
  const [row] = await world.registry.read([certificateKey(certificateId)]);
  if (row === undefined)
    throw new Fault('row-malformed', `certificate "${certificateId}": asked to align one without a row`);
  const previous = parseCertificateRow(row);
  if (previous.brokerPending === undefined) return 'settled';
  await awaitTurn(world.registry, world.clock, 'registration');
  await registerListed(certificateId, world);
  const next = markRegistered(previous);
  const entry = recordEntry(
    {
      stream: STREAMS.certificate(certificateId),
      seq: next.version,
      kind: 'aligned',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'step', step: 'align-broker' },
        decision: 'done',
        inputs: { certificateId, shown: 'registered' },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  // Losing this means that another worker settled the same row: there is only one move.
  await world.registry.commit([{ replace: certificateKey(certificateId), previous, next }, entry]);
  return 'registered';
}

async function registerListed(certificateId: string, world: AlignBrokerWorld): Promise<void> {
  const [row] = await world.registry.read([listingKey(certificateId)]);
  const { certificate } = row === undefined ? {} : parseListing(row);
  if (certificate === undefined)
    throw new Fault('row-malformed', `certificate "${certificateId}": not kept in a listing`);
  await world.broker.registerCertificate(toPem(certificate));
}

async function alignUnderLease(device: string, world: AlignBrokerWorld): Promise<Alignment['shown']> {
  for (let round = 0; round < ROUNDS; round += 1) {
    // 2 Read the row strongly; what is not pending was seen to match.
    const [row] = await world.registry.read([deviceKey(device)]);
    if (row === undefined)
      throw new Fault('row-malformed', `device "${device}": asked to align a device without a row`);
    const present = parseDevice(row);
    if (present.brokerPending === undefined) return 'settled';
    // 3 Make IoT Core match, at the pace of its quotas.
    await awaitTurn(world.registry, world.clock);
    // A certificate of the path `registered` cannot come by itself; its own registration may still be waiting.
    if (present.path === 'registered') await registerListed(present.factoryCertificate, world);
    const shown = await projectDevice(present, world.broker, world.policies);
    // 4 Clear the marker by comparison. Losing it means that the row moved meanwhile: look again.
    if ((await settle(present, shown, world)) === 'committed') return shown;
  }
  throw new Fault('comparison-lost', `device "${device}": its row changed ${ROUNDS} times during alignment`);
}

function settle(previous: Device, shown: Shown, world: AlignBrokerWorld): Promise<'committed' | 'lost'> {
  const now = world.clock.now();
  const next = markAligned(previous, now);
  const entry = recordEntry(
    {
      stream: STREAMS.device(next.id),
      seq: next.version,
      kind: 'aligned',
      time: now,
      detail: {
        actor: { kind: 'step', step: 'align-broker' },
        decision: 'done',
        owner: next.owner,
        device: next.id,
        inputs: { state: next.state, certificateId: next.factoryCertificate, shown, deviceVersion: previous.version },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return world.registry.commit([{ replace: deviceKey(next.id), previous, next }, entry]);
}

export interface SweepWorld {
  readonly registry: Registry;
  readonly alignments: AlignmentQueue;
  readonly clock: Clock;
}

const SWEEP_AFTER_MS = 60_000;
/** What the broker's quotas let through in the minute until the next sweep. */
const SWEEP_MOST = 300;
const DEVICE_ROW = /^device#(.+)$/;
const CERTIFICATE_ROW = /^certificate#(.+)$/;

/** Asks again for devices and certificates pending for a minute: a worker died, or a request was lost. */
export async function sweepPending(world: SweepWorld): Promise<number> {
  const before = new Date(Date.parse(world.clock.now()) - SWEEP_AFTER_MS).toISOString();
  const keys = await world.registry.pendingAlignments(before, SWEEP_MOST);
  for (const { pk } of keys) {
    const [device, certificate] = [DEVICE_ROW.exec(pk)?.[1], CERTIFICATE_ROW.exec(pk)?.[1]];
    if (device !== undefined) await world.alignments.request(device);
    if (certificate !== undefined) await world.alignments.requestCertificate(certificate);
  }
  return keys.length;
}
