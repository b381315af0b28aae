// What was forgotten? Rows whose time at the broker has come: a worker died, a request was lost, or a wait is over.
import type { AlignmentQueue, Clock, Registry } from '../../../shared/ports.ts';

export interface SweepWorld {
  readonly registry: Registry;
  readonly alignments: AlignmentQueue;
  readonly clock: Clock;
}

const SWEEP_AFTER_MS = 60_000;
/** What the broker's quotas let through in the minute until the next sweep. */
const SWEEP_MOST = 300;

/** Asks again for everything that has been pending for a minute. */
export async function sweepPending({ registry, alignments, clock }: SweepWorld): Promise<number> {
  const before = new Date(Date.parse(clock.now()) - SWEEP_AFTER_MS).toISOString();
  const keys = await registry.pendingAlignments(before, SWEEP_MOST);
  for (const { pk } of keys) {
    const at = pk.indexOf('#');
    const [kind, id] = [pk.slice(0, at), pk.slice(at + 1)];
    if (kind === 'device') await alignments.request(id);
    if (kind === 'certificate') await alignments.requestCertificate(id);
    if (kind === 'authority') await alignments.requestAuthority(id);
  }
  return keys.length;
}
