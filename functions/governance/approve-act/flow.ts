// Step `approve-act`: what one person may not do alone, a second one approves: the release of held listings, the end of a
// quarantine, an owner's authority (blueprint steps 1 and 3). Nothing happens at the request; everything at the approval, in one
// transaction; but for an authority, which create-authority makes once it is approved.
import {
  approvalDigest,
  approvalKey,
  decideApproval,
  parseApproval,
  requestApproval,
  showApproval,
  type Approvable,
  type Approval,
} from '../../../shared/governance/approval.ts';
import type { Json } from '../../../shared/canonical.ts';
import type { ApprovalShown } from '../../../shared/governance/approval-shown.ts';
import { recordEntry, STREAMS, type EntryKind } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, Change } from '../../../shared/ports.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { APPROVAL_ACT, type Approve, type RequestLift, type RequestRelease } from './act.ts';
import { findLift, liftDevice } from './lift.ts';
import { readHeld, releaseChanges } from './release.ts';

export interface ApproveActWorld extends ActWorld {
  readonly alignments: Pick<AlignmentQueue, 'request' | 'requestRevocation'>;
}

/** Who approves what. */
export interface Approved {
  readonly approval: string;
  readonly approver: string;
}

/** What an approval does: changes of its transaction, and what is asked for after it. */
export interface Performance {
  readonly changes: readonly Change[];
  readonly afterwards: () => Promise<void>;
}

export function approveAct(event: unknown, world: ApproveActWorld): Promise<Outcome<ApprovalShown>> {
  return performAct(APPROVAL_ACT, event, world, ({ act, principal }) =>
    act.kind === 'approve' ? approve(act, principal, world) : request(act, principal, world),
  );
}

async function request(
  asked: RequestRelease | RequestLift,
  requester: string,
  world: ApproveActWorld,
): Promise<Outcome<ApprovalShown>> {
  // 1 Only what can be approved is asked for: a wrong id shows now, not to the approver.
  const act = asked.kind === 'request-lift' ? await findLift(asked, world) : await findRelease(asked, world);
  if (act.outcome === 'refused') return act;
  // 2 Record the request; it changes nothing else.
  const approval = requestApproval(act.value, { id: world.random.newId(), requester, now: world.clock.now() });
  const entry = approvalEntry({ approval, kind: 'approval-requested', principal: requester }, world);
  const result = await world.registry.commit([{ create: approvalKey(approval.id), row: approval }, entry]);
  if (result === 'lost') throw new Fault('comparison-lost', `approval "${approval.id}" exists already`);
  return done(showApproval(approval));
}

async function findRelease({ devices }: RequestRelease, world: ApproveActWorld): Promise<Outcome<Approvable>> {
  const held = await readHeld(devices, world);
  return held.outcome === 'refused' ? held : done({ kind: 'release-held', devices });
}

async function approve(
  { approval: id, digest }: Approve,
  approver: string,
  world: ApproveActWorld,
): Promise<Outcome<ApprovalShown>> {
  // 1 Decide: another person, in time, over the very request that was shown.
  const [row] = await world.registry.read([approvalKey(id)]);
  if (row === undefined) return refused({ reason: 'approval-unknown', approval: id });
  const previous = parseApproval(row);
  const approved = decideApproval(previous, { approver, digest, now: world.clock.now() });
  if (approved.outcome === 'refused') return approved;
  // 2 Read what it is about; it must still be as it was asked.
  const effect = await perform(previous.act, { approval: id, approver }, world);
  if (effect.outcome === 'refused') return effect;
  // 3 Approve, act and record in one transaction: an approval is used once, and never half.
  const next = approved.value;
  const result = await world.registry.commit([
    { replace: approvalKey(id), previous, next },
    approvalEntry({ approval: next, kind: 'approved', principal: approver }, world),
    ...effect.value.changes,
  ]);
  if (result === 'lost')
    throw new Fault('comparison-lost', `approval "${id}": used or changed by another request meanwhile`);
  await effect.value.afterwards();
  return done(showApproval(next));
}

async function perform(act: Approvable, approved: Approved, world: ApproveActWorld): Promise<Outcome<Performance>> {
  switch (act.kind) {
    case 'release-held': {
      const held = await readHeld(act.devices, world);
      if (held.outcome === 'refused') return held;
      return done({ ...NOTHING, changes: held.value.flatMap((listing) => releaseChanges(listing, approved, world)) });
    }
    case 'lift':
      return liftDevice(act, approved, world);
    case 'create-authority':
      return done(NOTHING);
  }
}

const NOTHING: Performance = { changes: [], afterwards: () => Promise.resolve() };

interface ApprovalRecord {
  readonly approval: Approval;
  readonly kind: EntryKind;
  readonly principal: string;
}

function approvalEntry({ approval, kind, principal }: ApprovalRecord, world: ApproveActWorld) {
  const { id, version, requester, expiresAt } = approval;
  const { kind: act, ...asked } = approval.act;
  const digest = approvalDigest(approval);
  const inputs = { act, ...(asked as Readonly<Record<string, Json>>), requester, expiresAt, digest };
  const detail = { actor: { kind: 'iam', principal }, decision: 'done', inputs, requestId: world.requestId } as const;
  const draft = { stream: STREAMS.approval(id), seq: version, kind, time: world.clock.now(), detail };
  return recordEntry(draft, world.random);
}
