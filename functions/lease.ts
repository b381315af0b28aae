// Who may act on this subject at the broker right now? One worker at a time, and only as long as its lease: AWS IoT Core
// compares nothing itself, so a worker that slept would bring back what a newer row has ended.
import * as z from 'zod';

import { Fault } from '../shared/outcome.ts';
import type { Change, Clock, Registry } from '../shared/ports.ts';
import { parseRow } from '../shared/rows.ts';

/** Longer than the functions that take one may run: a worker that still acts still holds its lease. */
export const LEASE_SECONDS = 60;
/** Between two looks whether another worker is done. */
const STEP_MS = 250;
/** What a call to the broker may take at most (shared/aws/environment.ts): one sent under the lease arrives under it. */
const CALL_MS = 9_000;

/** `device#<id>`, `certificate#<id>` of a certificate of no device, `authority#<id>`: the partition of the rows it guards. */
export type LeaseSubject = `${'device' | 'certificate' | 'authority'}#${string}`;

export interface HeldLease {
  /** Throws when the lease has ended, or ends before a call that begins now must have arrived. */
  readonly check: () => void;
  /** Commits what the work came to and ends the lease in one transaction: whoever lost the lease settles nothing. */
  readonly settle: (changes: readonly Change[]) => Promise<'committed' | 'lost'>;
}

export interface LeaseWorld {
  readonly registry: Registry;
  readonly clock: Clock;
}

const ROW = z.object({ version: z.int().min(1), until: z.iso.datetime() });
type Row = z.infer<typeof ROW>;

/** Throws while another worker holds the lease, for as long as `patienceMs`. A crash leaves it to expire. */
export async function underLease<T>(
  subject: LeaseSubject,
  world: LeaseWorld,
  work: (lease: HeldLease) => Promise<T>,
  patienceMs = 0,
): Promise<T> {
  const { registry, clock } = world;
  const held = await awaitLease(subject, world, patienceMs);
  const state = { ended: false };
  const end = (): Change => {
    const next: Row = { version: held.version + 1, until: clock.now() };
    return { replace: leaseKey(subject), previous: held, next };
  };
  try {
    return await work({
      check: () => {
        if (Date.parse(clock.now()) + CALL_MS < Date.parse(held.until)) return;
        throw new Fault('comparison-lost', `"${subject}": the lease of this worker has ended`);
      },
      settle: async (changes) => {
        const result = await registry.commit([...changes, end()]);
        state.ended ||= result === 'committed';
        return result;
      },
    });
  } finally {
    if (!state.ended) await registry.commit([end()]);
  }
}

/** Work for one subject that was asked for twice at once is done one after the other, and not in five minutes. */
async function awaitLease(subject: LeaseSubject, world: LeaseWorld, patienceMs: number): Promise<Row> {
  for (let waitedMs = 0; ; waitedMs += STEP_MS) {
    const taken = await takeLease(subject, world);
    if (taken !== 'busy') return taken;
    if (waitedMs >= patienceMs) throw new Fault('comparison-lost', `"${subject}": another worker acts on it now`);
    await world.clock.pause(STEP_MS);
  }
}

async function takeLease(subject: LeaseSubject, { registry, clock }: LeaseWorld): Promise<Row | 'busy'> {
  const key = leaseKey(subject);
  const [row] = await registry.read([key]);
  const now = clock.now();
  const present = row === undefined ? undefined : parseRow(ROW, row, 'lease row');
  if (present !== undefined && Date.parse(present.until) > Date.parse(now)) return 'busy';
  const until = new Date(Date.parse(now) + LEASE_SECONDS * 1000).toISOString();
  const next = { version: (present?.version ?? 0) + 1, until };
  const change = present === undefined ? { create: key, row: next } : { replace: key, previous: present, next };
  if ((await registry.commit([change])) === 'lost') return 'busy';
  return next;
}

function leaseKey(subject: LeaseSubject) {
  return { table: 'devices', pk: subject, sk: 'lease' } as const;
}
