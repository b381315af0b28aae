// Step `approve-act`, releases: devices that were delivered beyond their lot.
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import {
  idClaimKey,
  isHeld,
  listingKey,
  parseIdClaim,
  parseListing,
  releaseListing,
  type Listing,
} from '../../../shared/whitelist/listing.ts';
import type { ActWorld } from '../../perform-act.ts';
import type { Approved } from './flow.ts';

export async function readHeld(devices: readonly string[], world: ActWorld): Promise<Outcome<readonly Listing[]>> {
  const held: Listing[] = [];
  for (const device of devices) {
    const id = parseDeviceId(device);
    if (id.outcome === 'refused') return id;
    const [reserved] = await world.registry.read([idClaimKey(id.value)]);
    if (reserved === undefined) return refused({ reason: 'device-unknown', device });
    const { fingerprint } = parseIdClaim(reserved);
    if (fingerprint === undefined) return refused({ reason: 'not-held', device });
    const [row] = await world.registry.read([listingKey(fingerprint)]);
    if (row === undefined) throw new Fault('row-malformed', `device "${device}": its listing is missing`);
    const listing = parseListing(row);
    if (listing.device !== id.value) return refused({ reason: 'device-unknown', device });
    if (!isHeld(listing)) return refused({ reason: 'not-held', device });
    held.push(listing);
  }
  return done(held);
}

export function releaseChanges(
  previous: Listing,
  { approval, approver }: Approved,
  world: ActWorld,
): readonly Change[] {
  const next = releaseListing(previous);
  const entry = recordEntry(
    {
      stream: STREAMS.listing(next.fingerprint),
      seq: next.version,
      kind: 'released',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'iam', principal: approver },
        decision: 'done',
        device: next.device,
        inputs: { fingerprint: next.fingerprint, approval },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return [{ replace: listingKey(next.fingerprint), previous, next }, entry];
}
