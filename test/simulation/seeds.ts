// How did many seeds end? Counts over all of them, and of each that broke what is needed to see why.
import { FAULT_KINDS, type FaultKind } from './fault-injector.ts';
import { runSeed, type FaultRun } from './fault-run.ts';

export interface SeedRuns {
  readonly seeds: number;
  readonly steps: number;
  readonly failed: readonly FaultRun[];
  /** How often each kind of fault was met at each call site. */
  readonly hits: ReadonlyMap<string, ReadonlyMap<FaultKind, number>>;
  readonly deadLetters: number;
  /** Seconds of virtual time from the last fault until everything had settled, at most. */
  readonly settledSeconds: number;
}

export async function runSeeds(from: number, seeds: number): Promise<SeedRuns> {
  const hits = new Map<string, Map<FaultKind, number>>();
  const failed: FaultRun[] = [];
  let [steps, deadLetters, settledSeconds] = [0, 0, 0];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const run = await runSeed(seed);
    steps += run.steps;
    deadLetters += run.deadLetters;
    settledSeconds = Math.max(settledSeconds, run.settledSeconds);
    if (run.breaks.length > 0) failed.push(run);
    for (const [site, met] of run.hits) addTo(hits, site, met);
  }
  return { seeds, steps, failed, hits, deadLetters, settledSeconds };
}

function addTo(hits: Map<string, Map<FaultKind, number>>, site: string, met: ReadonlyMap<FaultKind, number>): void {
  const total = hits.get(site) ?? new Map<FaultKind, number>();
  for (const [kind, count] of met) total.set(kind, (total.get(kind) ?? 0) + count);
  hits.set(site, total);
}

/** One line. */
export function summary({ seeds, steps, failed, hits, deadLetters, settledSeconds }: SeedRuns): string {
  const countOf = (kind: FaultKind) => [...hits.values()].reduce((sum, met) => sum + (met.get(kind) ?? 0), 0);
  const kinds = FAULT_KINDS.map((kind) => `${countOf(kind)} ${kind}`).join(', ');
  const faults = FAULT_KINDS.reduce((sum, kind) => sum + countOf(kind), 0);
  return (
    `fault run: ${seeds} seeds, ${steps} steps at ${hits.size} call sites, ${faults} faults (${kinds}), ` +
    `${deadLetters} dead letters, settled at most ${settledSeconds} s after the last fault, ${failed.length} breaks`
  );
}

export function describeFailure({ seed, breaks, last }: FaultRun): string {
  return [`seed ${seed}`, ...breaks.slice(0, 5), 'the last steps:', ...last].join('\n  ');
}
