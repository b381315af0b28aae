// What must the broker show of a certificate by its own row? A chip's is made known, a refused one is
// revoked, and one that waited in vain goes.
import { toPem } from '../../../shared/identity/certificate.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { parseDevice } from '../../../shared/device-row.ts';
import { deviceKey, projectionOf } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import {
  certificateKey,
  markMatched,
  parseCertificateRow,
  type CertificateRow,
} from '../../../shared/whitelist/certificate-row.ts';
import { listingKey, parseListing, type Listing } from '../../../shared/whitelist/listing.ts';
import { underLease } from '../../lease.ts';
import { fence } from './fence.ts';
import { PATIENCE_MS, type AlignBrokerWorld } from './flow.ts';
import { remove, revoke, type Shown } from './project.ts';

export type CertificateShown = Shown | 'known' | 'left' | 'settled';

export async function alignCertificate(certificateId: string, world: AlignBrokerWorld): Promise<CertificateShown> {
  const row = await readDue(certificateId, world);
  if (row === undefined) return 'settled';
  // Nothing is undone by a late one: what is there already is left as it is.
  if (row.wanted === 'known') return makeKnown(row, world);
  // One worker per device, and per certificate of nobody: a late one would end what a fresh registration has begun.
  const device = row.device ?? (await readListing(certificateId, world))?.device;
  const subject = device === undefined ? (`certificate#${certificateId}` as const) : (`device#${device}` as const);
  return underLease(
    subject,
    world,
    async (lease) => {
      await world.quota.awaitTurn();
      const present = await readDue(certificateId, world);
      if (present === undefined) return 'settled';
      const held = { ...world, broker: fence(world.broker, lease) };
      const shown = await showAsWanted(present, held);
      // Losing this means that the row moved on; whoever moved it has asked again.
      await lease.settle(settled(present, shown, world));
      return shown;
    },
    PATIENCE_MS,
  );
}

async function showAsWanted(
  { certificateId, wanted }: CertificateRow,
  world: AlignBrokerWorld,
): Promise<CertificateShown> {
  if (wanted === 'absent') return forget(certificateId, world);
  const certificate = await world.broker.findCertificate(certificateId);
  if (certificate === undefined) return 'absent';
  return wanted === 'revoked' ? revoke(certificate, world.broker) : remove(certificate, world.broker);
}

/** Undefined when there is nothing to do, or not yet: a certificate may wait until its time has come. */
async function readDue(
  certificateId: string,
  { registry, clock }: AlignBrokerWorld,
): Promise<CertificateRow | undefined> {
  const [row] = await registry.read([certificateKey(certificateId)]);
  if (row === undefined)
    throw new Fault('row-malformed', `certificate "${certificateId}": asked to align one without a row`);
  const present = parseCertificateRow(row);
  const { brokerPending } = present;
  return brokerPending === undefined || Date.parse(brokerPending) > Date.parse(clock.now()) ? undefined : present;
}

async function makeKnown(row: CertificateRow, world: AlignBrokerWorld): Promise<'known'> {
  await world.quota.awaitTurn('registration');
  await registerListed(row.certificateId, world);
  await world.registry.commit(settled(row, 'known', world));
  return 'known';
}

/** INACTIVE stays until it is owned; one that is there already is left as it is. */
export async function registerListed(certificateId: string, world: AlignBrokerWorld): Promise<void> {
  const certificate = (await readListing(certificateId, world))?.certificate;
  if (certificate === undefined)
    throw new Fault('row-malformed', `certificate "${certificateId}": not kept in a listing`);
  await world.broker.registerCertificate(toPem(certificate));
}

/** Refused, and nobody came back with a reason to admit it. Its next connect, if there is one, is a fresh registration. */
async function forget(certificateId: string, world: AlignBrokerWorld): Promise<CertificateShown> {
  const listing = await readListing(certificateId, world);
  const [row] = listing === undefined ? [] : await world.registry.read([deviceKey(listing.device)]);
  const wanted = row === undefined ? 'absent' : projectionOf(parseDevice(row)).factoryCertificate;
  // Admitted meanwhile: its device row speaks for it.
  if (wanted === 'active') return 'left';
  const certificate = await world.broker.findCertificate(certificateId);
  if (certificate === undefined) return 'absent';
  // INACTIVE where nobody wants it so: a worker died between the two calls. In any other state somebody else has decided.
  const { status } = certificate;
  const waits = status === 'PENDING_ACTIVATION' || (status === 'INACTIVE' && wanted === 'absent');
  return waits ? remove(certificate, world.broker) : 'left';
}

async function readListing(certificateId: string, { registry }: AlignBrokerWorld): Promise<Listing | undefined> {
  const [row] = await registry.read([listingKey(certificateId)]);
  return row === undefined ? undefined : parseListing(row);
}

function settled(previous: CertificateRow, shown: CertificateShown, world: AlignBrokerWorld): readonly Change[] {
  const { certificateId } = previous;
  const time = world.clock.now();
  const next = markMatched(previous, time);
  const detail = {
    actor: { kind: 'step', step: 'align-broker' },
    decision: 'done',
    inputs: { certificateId, wanted: previous.wanted, shown },
    requestId: world.requestId,
  } as const;
  const stream = STREAMS.certificate(certificateId);
  const entry = recordEntry({ stream, seq: next.version, kind: 'aligned', time, detail }, world.random);
  return [{ replace: certificateKey(certificateId), previous, next }, entry];
}
