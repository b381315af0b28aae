// Step `change-standing`: may this device still be trusted? Quarantine is reversible by two people, denial by nobody; both
// take effect in the transaction, and the broker follows (blueprint step 3).
import type { StandingChange } from '../../../shared/governance/changes.ts';
import { parseDeviceId, type DeviceId } from '../../../shared/identity/device-id.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import {
  deny,
  denyListed,
  deviceKey,
  isDenied,
  isQuarantined,
  parseDevice,
  quarantine,
  type Device,
} from '../../../shared/lifecycle.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue } from '../../../shared/ports.ts';
import { idClaimKey, listingKey, parseIdClaim, parseListing } from '../../../shared/whitelist/listing.ts';
import { parseWaiting, waitingKey } from '../../../shared/whitelist/waiting.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { STANDING_ACT, type StandingAct } from './act.ts';

export interface ChangeStandingWorld extends ActWorld {
  readonly alignments: Pick<AlignmentQueue, 'request'>;
}

export function changeStanding(event: unknown, world: ChangeStandingWorld): Promise<Outcome<StandingChange>> {
  return performAct(STANDING_ACT, event, world, ({ act, principal }) => change(act, principal, world));
}

async function change(
  act: StandingAct,
  principal: string,
  world: ChangeStandingWorld,
): Promise<Outcome<StandingChange>> {
  // 1 Read the device; one that nobody owns is known by its listing only.
  const id = parseDeviceId(act.device);
  if (id.outcome === 'refused') return id;
  const [row] = await world.registry.read([deviceKey(id.value)]);
  const present = row === undefined ? undefined : parseDevice(row);
  // 2 Decide by the table of moves.
  const decided = present === undefined ? await decideListed(act, id.value, world) : decideKnown(act, present, world);
  if (decided.outcome === 'refused') return decided;
  const next = decided.value;
  if (next === present) return done({ device: next.id, result: 'unchanged', state: next.state });
  // 3 Act and record in one transaction: from here on nothing new is given to the device.
  const key = deviceKey(next.id);
  const replaced = present === undefined ? { create: key, row: next } : { replace: key, previous: present, next };
  const entry = standingEntry({ act, previous: present, next, principal }, world);
  if ((await world.registry.commit([replaced, entry])) === 'lost')
    throw new Fault('comparison-lost', `device "${next.id}": changed by another request meanwhile`);
  // A crash here leaves the row pending: the sweep of align-broker finds it.
  await world.alignments.request(next.id);
  return done({ device: next.id, result: 'changed', state: next.state });
}

/** The device as it is to be; the very same one when the act changes nothing. */
function decideKnown(act: StandingAct, present: Device, { clock }: ChangeStandingWorld): Outcome<Device> {
  const [{ id: device }, now] = [present, clock.now()];
  if (act.kind === 'deny') return done(deny(present, { cause: act.cause, now }) ?? present);
  if (isDenied(present)) return refused({ reason: 'denied', device, deniedAt: present.deniedAt });
  if (isQuarantined(present) && present.level === act.level) return done(present);
  const next = quarantine(present, { level: act.level, cause: act.cause, now });
  // From `cut` back to `restricted` would lift a part of it, and one person lifts nothing.
  return next === undefined ? refused({ reason: 'quarantined', device, level: 'cut' }) : done(next);
}

/** Stolen before anybody owned it, for example: it can be denied, but there is nothing to quarantine. */
async function decideListed(
  act: StandingAct,
  id: DeviceId,
  { registry, clock }: ChangeStandingWorld,
): Promise<Outcome<Device>> {
  const [reserved, awaited] = await registry.read([idClaimKey(id), waitingKey(id)]);
  // No certificate of it can connect, and none can be revoked, before a manifest brings it.
  if (awaited !== undefined && parseWaiting(awaited).device === id && isAwaited(reserved))
    return refused({ reason: 'certificate-absent', device: id });
  const { fingerprint } = reserved === undefined ? {} : parseIdClaim(reserved);
  const [row] = fingerprint === undefined ? [] : await registry.read([listingKey(fingerprint)]);
  const listing = row === undefined ? undefined : parseListing(row);
  // An id that differs by case finds the other's reservation.
  if (listing?.device !== id) return refused({ reason: 'device-unknown', device: id });
  if (act.kind === 'quarantine') return refused({ reason: 'not-owned', device: id });
  const { manufacturer, path, fingerprint: factoryCertificate } = listing;
  return done(denyListed({ id, manufacturer, path, factoryCertificate }, { cause: act.cause, now: clock.now() }));
}

function isAwaited(reserved: unknown): boolean {
  return reserved !== undefined && parseIdClaim(reserved).fingerprint === undefined;
}

interface StandingRecord {
  readonly act: StandingAct;
  readonly previous: Device | undefined;
  readonly next: Device;
  readonly principal: string;
}

function standingEntry(
  { act, previous, next, principal }: StandingRecord,
  { clock, random, requestId }: ChangeStandingWorld,
) {
  const { id, version: seq, owner, epoch } = next;
  const level = act.kind === 'quarantine' ? { level: act.level } : {};
  const detail = {
    actor: { kind: 'iam', principal },
    decision: 'done',
    ...(owner === undefined ? {} : { owner }),
    device: id,
    inputs: { cause: act.cause, ...level, from: previous?.state ?? 'listed', epoch },
    requestId,
  } as const;
  const kind = act.kind === 'quarantine' ? 'quarantined' : 'denied';
  return recordEntry({ stream: STREAMS.device(id), seq, kind, time: clock.now(), detail }, random);
}
