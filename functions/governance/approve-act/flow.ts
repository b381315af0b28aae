// Step `approve-act`: what one person may not do alone, a second one approves: the release of held listings (blueprint
// step 1). Nothing happens at the request; everything at the approval, in one transaction.
import {
  APPROVAL_HOURS,
  approvalDigest,
  approvalKey,
  decideApproval,
  parseApproval,
  type Approval,
} from '../../../shared/governance/approval.ts';
import type { ApprovalShown } from '../../../shared/governance/approval-shown.ts';
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { recordEntry, STREAMS, type EntryKind } from '../../../shared/ledger/entry.ts';
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
import { performAct, type ActWorld } from '../../perform-act.ts';
import { APPROVAL_ACT, type Approve, type RequestRelease } from './act.ts';

export function approveAct(event: unknown, world: ActWorld): Promise<Outcome<ApprovalShown>> {
  return performAct(APPROVAL_ACT, event, world, ({ act, principal }) =>
    act.kind === 'approve' ? approve(act, principal, world) : request(act, principal, world),
  );
}

async function request(
  { devices }: RequestRelease,
  requester: string,
  world: ActWorld,
): Promise<Outcome<ApprovalShown>> {
  // 1 Only what is held can be released: a wrong id shows now, not to the approver.
  const held = await readHeld(devices, world);
  if (held.outcome === 'refused') return held;
  // 2 Record the request; it changes no listing.
  const expiresAt = new Date(Date.parse(world.clock.now()) + APPROVAL_HOURS * 3_600_000).toISOString();
  const act = { kind: 'release-held' as const, devices };
  const approval: Approval = { version: 1, id: world.random.newId(), act, requester, expiresAt };
  const entry = approvalEntry({ approval, kind: 'approval-requested', principal: requester }, world);
  const result = await world.registry.commit([{ create: approvalKey(approval.id), row: approval }, entry]);
  if (result === 'lost') throw new Fault('comparison-lost', `approval "${approval.id}" exists already`);
  return done(show(approval));
}

async function approve(
  { approval: id, digest }: Approve,
  approver: string,
  world: ActWorld,
): Promise<Outcome<ApprovalShown>> {
  // 1 Decide: another person, in time, over the very request that was shown.
  const [row] = await world.registry.read([approvalKey(id)]);
  if (row === undefined) return refused({ reason: 'approval-unknown', approval: id });
  const previous = parseApproval(row);
  const approved = decideApproval(previous, { approver, digest, now: world.clock.now() });
  if (approved.outcome === 'refused') return approved;
  // 2 Read what is to be released; each must still be held.
  const held = await readHeld(previous.act.devices, world);
  if (held.outcome === 'refused') return held;
  // 3 Approve, release and record in one transaction: an approval is used once, and never half.
  const next = approved.value;
  const result = await world.registry.commit([
    { replace: approvalKey(id), previous, next },
    approvalEntry({ approval: next, kind: 'approved', principal: approver }, world),
    ...held.value.flatMap((listing) => releaseChanges(listing, { approval: id, approver }, world)),
  ]);
  if (result === 'lost')
    throw new Fault('comparison-lost', `approval "${id}": used or changed by another request meanwhile`);
  return done(show(next));
}

async function readHeld(devices: readonly string[], world: ActWorld): Promise<Outcome<readonly Listing[]>> {
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

interface Releasing {
  readonly approval: string;
  readonly approver: string;
}

function releaseChanges(previous: Listing, { approval, approver }: Releasing, world: ActWorld): readonly Change[] {
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

interface ApprovalRecord {
  readonly approval: Approval;
  readonly kind: EntryKind;
  readonly principal: string;
}

function approvalEntry({ approval, kind, principal }: ApprovalRecord, world: ActWorld) {
  const { id, version, act, requester, expiresAt } = approval;
  const inputs = { act: act.kind, devices: act.devices, requester, expiresAt, digest: approvalDigest(approval) };
  const detail = { actor: { kind: 'iam', principal }, decision: 'done', inputs, requestId: world.requestId } as const;
  const draft = { stream: STREAMS.approval(id), seq: version, kind, time: world.clock.now(), detail };
  return recordEntry(draft, world.random);
}

function show(approval: Approval): ApprovalShown {
  const { id, act, requester, expiresAt, approver } = approval;
  const shown = { approval: id, digest: approvalDigest(approval), devices: act.devices, requester, expiresAt };
  return approver === undefined ? shown : { ...shown, approver };
}
