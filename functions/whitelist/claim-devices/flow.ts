// Step `claim-devices`: an operator names the owner of listed devices that came without vouchers. It is an authorised,
// separate act, and the weaker proof of ownership wherever it is shown (blueprint step 3).
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { ownerKey } from '../../../shared/identity/owner.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { parseDevice } from '../../../shared/device-row.ts';
import { deviceKey, isDenied, type Device, type OwnedDevice } from '../../../shared/lifecycle.ts';
import { claim } from '../../../shared/lifecycle-moves.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue } from '../../../shared/ports.ts';
import type { Refusal } from '../../../shared/reasons.ts';
import type { ClaimedDevice } from '../../../shared/whitelist/claim.ts';
import {
  idClaimKey,
  isHeld,
  listingKey,
  parseIdClaim,
  parseListing,
  type Listing,
} from '../../../shared/whitelist/listing.ts';
import { parseWaiting, waitingKey } from '../../../shared/whitelist/waiting.ts';
import { performAct, refusedAct, type ActWorld } from '../../perform-act.ts';
import { CLAIM_ACT } from './act.ts';

export interface ClaimDevicesWorld extends ActWorld {
  readonly alignments: AlignmentQueue;
}

interface Claim {
  readonly owner: string;
  readonly principal: string;
}

/** One answer per device, in the order asked: one that is refused does not hold up the others. */
export function claimDevices(event: unknown, world: ClaimDevicesWorld): Promise<Outcome<readonly ClaimedDevice[]>> {
  return performAct(CLAIM_ACT, event, world, async ({ act: { owner, devices }, principal }) => {
    const [known] = await world.registry.read([ownerKey(owner)]);
    if (known === undefined) return refused({ reason: 'owner-unknown', owner });
    const answers: ClaimedDevice[] = [];
    for (const device of devices) {
      const outcome = await claimDevice(device, { owner, principal }, world);
      if (outcome.outcome === 'done') answers.push({ device, result: outcome.value });
      else answers.push(await refuse(device, outcome.refusal, { principal, position: answers.length + 1 }, world));
    }
    return done(answers);
  });
}

async function claimDevice(
  device: string,
  { owner, principal }: Claim,
  world: ClaimDevicesWorld,
): Promise<Outcome<'claimed' | 'unchanged'>> {
  // 1 Read the listing by the id that its import reserved.
  const id = parseDeviceId(device);
  if (id.outcome === 'refused') return id;
  const [reserved, present] = await world.registry.read([idClaimKey(id.value), deviceKey(id.value)]);
  const { fingerprint } = reserved === undefined ? {} : parseIdClaim(reserved);
  if (fingerprint === undefined) return refuseUnlisted(id.value, world);
  const [listed] = await world.registry.read([listingKey(fingerprint)]);
  if (listed === undefined) throw new Fault('row-malformed', `device "${device}": its listing is missing`);
  // 2 Decide: only a listed device that nobody owns can be claimed; a claim never takes a device from its owner.
  if (present !== undefined) return decideKnown(parseDevice(present), owner);
  const now = world.clock.now();
  const listing = parseListing(listed);
  // An id that differs by case finds the other's reservation.
  if (listing.device !== id.value) return refused({ reason: 'device-unknown', device });
  if (isHeld(listing)) return refused({ reason: 'listing-held', device });
  const next = claim({ ...identityOf(listing), owner, now });
  // 3 Act and record in one transaction. Losing it means that another claim was faster: ask again to see whose.
  const result = await world.registry.commit([
    { create: deviceKey(next.id), row: next },
    claimEntry({ next, listing, principal }, world),
  ]);
  if (result === 'lost') throw new Fault('comparison-lost', `device "${device}": claimed by another request meanwhile`);
  // A crash here leaves the row pending: the sweep of align-broker finds it.
  await world.alignments.request(next.id);
  return done('claimed');
}

function decideKnown(present: Device, owner: string): Outcome<'unchanged'> {
  const { id: device } = present;
  // What is denied stays denied, also for whoever would be its next owner (T016).
  if (isDenied(present)) return refused({ reason: 'denied', device, deniedAt: present.deniedAt });
  return present.owner === owner ? done('unchanged') : refused({ reason: 'owned-by-another', device });
}

/** A device that waits for its certificate says so. */
async function refuseUnlisted(device: string, world: ClaimDevicesWorld): Promise<Outcome<never>> {
  const [row] = await world.registry.read([waitingKey(device)]);
  const waits = row !== undefined && parseWaiting(row).device === device;
  return refused({ reason: waits ? 'certificate-absent' : 'device-unknown', device });
}

function identityOf({ device, manufacturer, path, fingerprint }: Listing) {
  return { id: device, manufacturer, path, factoryCertificate: fingerprint };
}

interface ClaimRecord {
  readonly next: OwnedDevice;
  readonly listing: Listing;
  readonly principal: string;
}

function claimEntry({ next, listing, principal }: ClaimRecord, world: ClaimDevicesWorld) {
  const { provenance, fingerprint } = listing;
  return recordEntry(
    {
      stream: STREAMS.device(next.id),
      seq: next.version,
      kind: 'claimed',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'iam', principal },
        decision: 'done',
        owner: next.owner,
        device: next.id,
        inputs: {
          fingerprint,
          manifest: provenance.manifest,
          line: provenance.line,
          proof: next.proof,
          epoch: next.epoch,
        },
        requestId: world.requestId,
      },
    },
    world.random,
  );
}

async function refuse(
  device: string,
  refusal: Refusal,
  { principal, position }: { readonly principal: string; readonly position: number },
  world: ClaimDevicesWorld,
): Promise<ClaimedDevice> {
  await world.registry.commit([refusedAct({ refusal, principal, position, device }, world)]);
  return { device, result: 'refused', refusal };
}
