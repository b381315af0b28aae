// Does one seed end well? A small world under faults at any call; then the faults stop, and everything must settle.
import { Chance } from './chance.ts';
import { Cloud, type Sabotage } from './cloud.ts';
import type { FaultKind } from './fault-injector.ts';
import { decide, populate } from './fault-world.ts';
import { finalBreaks, unsettled } from './final-laws.ts';

export interface FaultRun {
  readonly seed: number;
  readonly steps: number;
  /** SHA-256 over the trace. */
  readonly digest: string;
  readonly breaks: readonly string[];
  readonly last: readonly string[];
  /** How often each kind of fault was met at each call site. */
  readonly hits: ReadonlyMap<string, ReadonlyMap<FaultKind, number>>;
  readonly thrown: ReadonlyMap<string, number>;
  readonly deadLetters: number;
  /** How long after the last fault everything had settled, in seconds of virtual time. */
  readonly settledSeconds: number;
}

const MINUTE = 60_000;
const CHECK_MS = MINUTE / 2;
/** A message that failed is hidden for five minutes, and the sweep looks after one: in between everything was asked again. */
const MOST_TO_SETTLE_MS = 20 * MINUTE;

export interface RunOptions {
  readonly sabotage?: Sabotage;
  /** Hears every step. */
  readonly tell?: (line: string) => void;
}

export async function runSeed(seed: number, options: RunOptions = {}): Promise<FaultRun> {
  const chance = new Chance(`terms ${seed}`);
  const faultsMs = Math.round(chance.between(4, 7) * MINUTE);
  const cloud = new Cloud({
    seed: `fault run ${seed}`,
    injection: {
      ...{ seed, rate: chance.pick([0.01, 0.03, 0.06, 0.1]), chance: chance.for('faults') },
      // Whoever sleeps in the middle of an alignment wakes up in another world.
      sleepers: chance.pick([0, 0.2, 0.4]),
    },
    duplicates: chance.pick([0, 0.1, 0.3]),
    window: chance.pick([1, 4, 16]),
    throttles: chance.pick([0, 0.1]),
    skewMs: 400,
    // Waits that are over while the faults still rage, or that outlast them.
    pendingDays: chance.pick([1 / 24 / 180, 1 / 24 / 180, 1 / 24]),
    ...options,
  });
  const start = cloud.time.ms;
  const world = await populate(cloud);
  const acts = Promise.all(decide(world, cloud, faultsMs));
  let acted = false;
  void acts.then(() => (acted = true));
  await cloud.time.runUntil(start + faultsMs);
  cloud.faults.stop();
  await cloud.time.runUntil(cloud.time.ms + 2 * MINUTE);
  [...world.strangers, ...world.clones].forEach((device) => {
    device.switchOff();
  });
  const settledMs = await settle(cloud, world, () => acted);
  return report(seed, cloud, (settledMs - start - faultsMs) / 1000);
}

/** Until nothing is left to do and nothing is wrong, twice in a row; what is wrong at the end is a break. */
async function settle(
  cloud: Cloud,
  world: Awaited<ReturnType<typeof populate>>,
  acted: () => boolean,
): Promise<number> {
  const end = cloud.time.ms + MOST_TO_SETTLE_MS;
  let calm = 0;
  let left: readonly string[] = [];
  while (cloud.time.ms < end && calm < 2 && cloud.laws.breaks.length === 0) {
    await cloud.time.runUntil(cloud.time.ms + CHECK_MS);
    const open = [...(acted() ? [] : ['an act']), ...unsettled(cloud)];
    left = open.length > 0 ? open : await finalBreaks(cloud, world);
    calm = left.length === 0 ? calm + 1 : 0;
  }
  for (const text of left) cloud.laws.break(`did not settle: ${text}`);
  return cloud.time.ms - (calm - 1) * CHECK_MS;
}

function report(seed: number, cloud: Cloud, settledSeconds: number): FaultRun {
  const { trace, laws, faults, thrown, queues } = cloud;
  const deadLetters = Object.values(queues).reduce((sum, queue) => sum + queue.deadLetters.length, 0);
  const told = { steps: trace.steps, digest: trace.digest(), breaks: laws.breaks, last: trace.last() };
  return { seed, ...told, hits: faults.hits, thrown, deadLetters, settledSeconds };
}
