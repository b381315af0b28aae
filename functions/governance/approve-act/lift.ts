// Step `approve-act`, lifts: two people end a quarantine. The device is owned again, in a new epoch: whatever it was given
// before has ended, and its next connect is a first one.
import { parseDevice } from '../../../shared/device-row.ts';
import type { Approvable, Lift } from '../../../shared/governance/approval.ts';
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { endedCertificates } from '../../../shared/issuance/ending.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { deviceKey, isQuarantined, type QuarantinedDevice } from '../../../shared/lifecycle.ts';
import { lift } from '../../../shared/lifecycle-moves.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import { endingChanges } from '../../end-certificates.ts';
import type { RequestLift } from './act.ts';
import type { Approved, ApproveActWorld, Performance } from './flow.ts';

export async function findLift({ device }: RequestLift, world: ApproveActWorld): Promise<Outcome<Approvable>> {
  const present = await readQuarantined(device, world);
  if (present.outcome === 'refused') return present;
  return done({ kind: 'lift', device, quarantinedAt: present.value.quarantinedAt });
}

export async function liftDevice(
  { device, quarantinedAt: expected }: Lift,
  { approval, approver }: Approved,
  world: ApproveActWorld,
): Promise<Outcome<Performance>> {
  const present = await readQuarantined(device, world);
  if (present.outcome === 'refused') return present;
  const previous = present.value;
  // Another quarantine since: nobody has looked at that one.
  const got = previous.quarantinedAt;
  if (got !== expected) return refused({ reason: 'approval-differs', expected, got });
  const now = world.clock.now();
  const next = lift(previous, now);
  const { id, owner, epoch, version: seq } = next;
  const { level, cause, from } = previous;
  const inputs = { approval, level, cause, from, quarantinedAt: expected, epoch };
  const actor = { kind: 'iam', principal: approver } as const;
  const detail = { actor, decision: 'done', owner, device: id, inputs, requestId: world.requestId } as const;
  return done({
    changes: [
      { replace: deviceKey(id), previous, next },
      ...endingChanges(previous, next, { step: 'approve-act', reason: 'superseded', now, world }),
      recordEntry({ stream: STREAMS.device(id), seq, kind: 'lifted', time: now, detail }, world.random),
    ],
    afterwards: async () => {
      await world.alignments.request(id);
      for (const ended of endedCertificates(previous, next)) await world.alignments.requestRevocation(ended);
    },
  });
}

async function readQuarantined(device: string, { registry }: ApproveActWorld): Promise<Outcome<QuarantinedDevice>> {
  const id = parseDeviceId(device);
  if (id.outcome === 'refused') return id;
  const [row] = await registry.read([deviceKey(id.value)]);
  const present = row === undefined ? undefined : parseDevice(row);
  if (present === undefined) return refused({ reason: 'device-unknown', device });
  if (!isQuarantined(present)) return refused({ reason: 'not-quarantined', device, state: present.state });
  // Whoever holds the copy would come in by the same factory key: only a new key listing brings it back.
  return present.cause === 'clone' ? refused({ reason: 'key-suspect', device }) : done(present);
}
