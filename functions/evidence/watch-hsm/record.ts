// Step `watch-hsm`, its memory: one row holds the findings of the last time, and each change of them is an entry.
import * as z from 'zod';

import type { Finding } from '../../../shared/governance/hsm-health.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Change, Clock, Registry } from '../../../shared/ports.ts';
import { parseRow } from '../../../shared/rows.ts';

export interface RecordWorld {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export const HEALTH_KEY = { table: 'owners', pk: 'hsm-health', sk: 'row' } as const;

const ROW = z.object({
  version: z.int().min(1),
  /** `code subject`: what is wrong with what. Ages and counts move all the time and are no change. */
  findings: z.array(z.string()),
  since: z.iso.datetime(),
});

type Row = z.infer<typeof ROW>;

const ATTEMPTS = 3;

/** Whether there was a change, which then has its entry. Nothing wrong is what is presumed before the first look. */
export async function recordHealth(found: readonly Finding[], world: RecordWorld): Promise<boolean> {
  const findings = [...new Set(found.map(({ code, subject }) => `${code} ${subject}`))].sort();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [stored] = await world.registry.read([HEALTH_KEY]);
    const present = stored === undefined ? undefined : parseRow(ROW, stored, 'HSM health row');
    if (sameList(findings, present?.findings ?? [])) return false;
    // Lost: another run of this schedule was faster, and most likely has seen the same.
    if ((await world.registry.commit(changeHealth(findings, present, world))) === 'committed') return true;
  }
  throw new Fault('comparison-lost', `HSM health: other runs were faster ${ATTEMPTS} times`);
}

function changeHealth(findings: string[], present: Row | undefined, world: RecordWorld): readonly Change[] {
  const { clock, random, requestId } = world;
  const next: Row = { version: (present?.version ?? 0) + 1, findings, since: clock.now() };
  const detail = {
    actor: { kind: 'step', step: 'watch-hsm' },
    decision: 'done',
    inputs: { before: present?.findings ?? [], now: findings },
    requestId,
  } as const;
  const draft = { stream: STREAMS.hsmHealth, seq: next.version, kind: 'hsm-health-changed', time: next.since } as const;
  const change: Change =
    present === undefined ? { create: HEALTH_KEY, row: next } : { replace: HEALTH_KEY, previous: present, next };
  return [change, recordEntry({ ...draft, detail }, random)];
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
