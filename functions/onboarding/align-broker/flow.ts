// Step `align-broker`: AWS IoT Core is a projection of the device row; make it match, whoever was interrupted when
// (blueprint step 2). The only step that changes certificates, things and their policies.
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { parseDevice } from '../../../shared/device-row.ts';
import { deviceKey, type Device } from '../../../shared/lifecycle.ts';
import { markAligned } from '../../../shared/lifecycle-moves.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Broker, Change, Clock, Registry } from '../../../shared/ports.ts';
import { certificateKey, isRevoked, parseCertificateRow } from '../../../shared/whitelist/certificate-row.ts';
import { underLease, type HeldLease } from '../../lease.ts';
import type { BrokerQuota } from '../broker-quota.ts';
import { alignCertificate, registerListed } from './align-certificate.ts';
import { fence } from './fence.ts';
import { projectOperational } from './operational.ts';
import { projectDevice, type Policies, type Shown } from './project.ts';
import type { AlignmentRequest } from './request.ts';

export interface AlignBrokerWorld {
  readonly registry: Registry;
  readonly broker: Broker;
  readonly policies: Policies;
  readonly quota: Pick<BrokerQuota, 'awaitTurn'>;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Alignment {
  readonly device: string;
  readonly shown: Shown | 'settled';
}

const ROUNDS = 5;
/** What changes a device often ends a certificate of it too, and both are asked for at once: one waits for the other. */
export const PATIENCE_MS = 10_000;

export async function align(request: AlignmentRequest, world: AlignBrokerWorld): Promise<object> {
  if ('device' in request) return alignDevice(request.device, world);
  return { certificate: request.certificate, shown: await alignCertificate(request.certificate, world) };
}

/** Returns when IoT Core matched a version of the row that was still the newest; throws for another try later. */
export async function alignDevice(device: string, world: AlignBrokerWorld): Promise<Alignment> {
  // 1 One worker per device: a worker that slept would otherwise bring back what a newer row has ended.
  return underLease(
    `device#${device}`,
    world,
    async (lease) => {
      const broker = fence(world.broker, lease);
      return { device, shown: await alignHeld(device, lease, { ...world, broker }) };
    },
    PATIENCE_MS,
  );
}

async function alignHeld(device: string, lease: HeldLease, world: AlignBrokerWorld): Promise<Alignment['shown']> {
  const { registry, broker, policies } = world;
  for (let round = 0; round < ROUNDS; round += 1) {
    // 2 What is not pending was seen to match; for what is, wait for a turn at the pace of the broker's quotas.
    if ((await readRow(device, registry)).brokerPending === undefined) return 'settled';
    await world.quota.awaitTurn();
    // 3 Read the row strongly, after the wait: what it says now is what the broker is to show.
    const present = await readRow(device, registry);
    if (present.brokerPending === undefined) return 'settled';
    const revoked = await isRefused(present.factoryCertificate, registry);
    const shown = await projectDevice(present, { broker, policies, revoked });
    // A chip's certificate cannot come by itself, and its own registration may still be waiting: at that work's pace.
    if (shown === 'missing') {
      await world.quota.awaitTurn('registration');
      await registerListed(present.factoryCertificate, world);
      continue;
    }
    const operational = await projectOperational(present, world);
    // Refused for good meanwhile: whoever revoked it may have been faster than our ACTIVE.
    if (shown === 'active' && (await isRefused(present.factoryCertificate, registry))) continue;
    // 4 Clear the marker by comparison. Losing it means that the row moved meanwhile: look again.
    if ((await lease.settle(settled(present, { shown, operational }, world))) === 'committed') return shown;
  }
  throw new Fault('comparison-lost', `device "${device}": its row changed ${ROUNDS} times during alignment`);
}

/** What the broker shows of the factory certificate, and of each operational one. */
interface Seen {
  readonly shown: Shown;
  readonly operational: Readonly<Record<string, Shown>>;
}

/** Its own row says so, whatever the device is. */
async function isRefused(certificateId: string, registry: Registry): Promise<boolean> {
  const [row] = await registry.read([certificateKey(certificateId)]);
  return isRevoked(row === undefined ? undefined : parseCertificateRow(row));
}

async function readRow(device: string, registry: Registry): Promise<Device> {
  const [row] = await registry.read([deviceKey(device)]);
  if (row !== undefined) return parseDevice(row);
  throw new Fault('row-malformed', `device "${device}": asked to align a device without a row`);
}

function settled(previous: Device, seen: Seen, world: AlignBrokerWorld): readonly Change[] {
  const now = world.clock.now();
  const next = markAligned(previous, now);
  const { id, version: seq, owner, state, factoryCertificate: certificateId } = next;
  const detail = {
    actor: { kind: 'step', step: 'align-broker' },
    decision: 'done',
    ...(owner === undefined ? {} : { owner }),
    device: id,
    inputs: { state, certificateId, ...seen, deviceVersion: previous.version },
    requestId: world.requestId,
  } as const;
  const entry = recordEntry({ stream: STREAMS.device(id), seq, kind: 'aligned', time: now, detail }, world.random);
  return [{ replace: deviceKey(id), previous, next }, entry];
}
