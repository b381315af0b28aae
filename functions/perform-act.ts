// How does a step perform an act that a person asked for? Prove who asks, act, and record a refusal like any decision.
import type * as z from 'zod';

import { proveAct, type ProvenAct } from '../shared/governance/act.ts';
import { decidePermission, type ActKind, type RoleMap } from '../shared/governance/permissions.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../shared/ledger/entry.ts';
import type { Outcome } from '../shared/outcome.ts';
import type { CallerIdentity, Clock, Registry } from '../shared/ports.ts';
import type { Refusal } from '../shared/reasons.ts';

export interface ActWorld {
  readonly registry: Registry;
  readonly callers: CallerIdentity;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  /** Who may do what: principals by role. */
  readonly roles: RoleMap;
  /** ARN of this very function. */
  readonly audience: string;
  readonly requestId: string;
}

/** `run` is called with a proven act of a permitted principal only. A refusal, also one of the proof itself, has its entry when this returns. */
export async function performAct<S extends z.ZodType<{ readonly kind: ActKind }>, T>(
  schema: S,
  event: unknown,
  world: ActWorld,
  run: (proven: ProvenAct<z.infer<S>>) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const { audience, callers, clock } = world;
  const proven = await proveAct(schema, event, { audience, callers, now: clock.now() });
  if (proven.outcome === 'refused') {
    await recordRefusal(proven.refusal, 'unproved', world);
    return proven;
  }
  const { act, principal } = proven.value;
  const permission = decidePermission(act.kind, principal, world.roles);
  const outcome = permission.outcome === 'refused' ? permission : await run(proven.value);
  if (outcome.outcome === 'refused') await recordRefusal(outcome.refusal, principal, world);
  return outcome;
}

async function recordRefusal(refusal: Refusal, principal: string, world: ActWorld): Promise<void> {
  await world.registry.commit([refusedAct({ refusal, principal, position: 1 }, world)]);
}

export interface RefusedAct {
  readonly refusal: Refusal;
  readonly principal: string;
  /** One act may be refused for several devices; they are numbered from 1. */
  readonly position: number;
  readonly device?: string;
}

/** The entry of an act, or of a part of one, that was refused. */
export function refusedAct({ refusal, principal, position, device }: RefusedAct, world: ActWorld) {
  const { requestId, audience } = world;
  return recordEntry(
    {
      stream: STREAMS.act(requestId),
      seq: position,
      kind: 'act-refused',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'iam', principal },
        decision: 'refused',
        reason: refusal.reason,
        ...(device === undefined ? {} : { device }),
        inputs: { audience, compared: { ...refusal } },
        requestId,
      },
    },
    world.random,
  );
}
