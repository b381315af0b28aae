// Does onboarding end well whatever goes wrong, at every call of every step? Small worlds in virtual time, each from a seed;
// `npm run faults -- --seeds 1000 --from 200` runs more of them, `--seeds 1 --from N --trace` shows every step of one.
import { expect, test } from 'vitest';

import type { MemoryBroker } from '../fakes/memory-broker.ts';
import type { MemoryRegistry } from '../fakes/memory-registry.ts';
import type { Sabotage } from './cloud.ts';
import { FAULT_KINDS } from './fault-injector.ts';
import { runSeed } from './fault-run.ts';
import { keyOf } from './sites.ts';
import { describeFailure, runSeeds, summary } from './seeds.ts';

const SEEDS = Number(process.env['FAULT_SEEDS'] ?? 250);
const FROM = Number(process.env['FAULT_FROM'] ?? 0);

/** With fewer faults at a call than this, one of the eight kinds may be missing by chance. */
const OFTEN = 60;

/** A part that is broken is found within so many. */
const MOST_SEEDS = 100;

const whole = runSeeds(FROM, SEEDS);

test(`I1 I2 I3 I5 I7 I8 I9 T049 faults at any call of onboarding break no invariant, and everything settles`, async () => {
  const { failed, ...total } = await whole;
  console.log(summary({ ...total, failed }));
  expect(failed.map(describeFailure)).toEqual([]);
}, 300_000);

test('every call of every step that comes up at all often has met every kind of fault', async () => {
  const { hits } = await whole;
  const often = [...hits].filter(([, met]) => sumOf(met) >= OFTEN);
  const unmet = often.flatMap(([site, met]) =>
    FAULT_KINDS.filter((kind) => !met.has(kind)).map((kind) => `${site}: ${kind}`),
  );
  // The rest cleans up after other people's hands; its faults are tried one by one in test/functions/onboarding.
  expect(often.length).toBeGreaterThan(60);
  expect(unmet).toEqual([]);
});

function sumOf(met: ReadonlyMap<string, number>): number {
  return [...met.values()].reduce((sum, count) => sum + count, 0);
}

test('one seed is one run: the same steps at the same times', async () => {
  const [first, second, other] = [await runSeed(7), await runSeed(7), await runSeed(8)];
  expect(second.digest).toBe(first.digest);
  expect(second.steps).toBe(first.steps);
  expect(other.digest).not.toBe(first.digest);
});

// A run that cannot fail proves nothing.
test.each<[what: string, sabotage: Sabotage, found: RegExp]>([
  ['a registry that compares nothing', { registry: compareNothing }, /version \d+ follows version|comes number/],
  ['a registry that keeps half of a transaction', { registry: keepHalf }, /but 0 entries/],
  ['a broker that activates before the policy is attached', { broker: activateEarly }, /ACTIVE with policies \[\]/],
  ['an index that forgets what is pending', { registry: forgetPending }, /did not settle/],
])('the run finds %s', async (_what, sabotage, found) => {
  expect(await seedThatFinds(found, sabotage)).toBeDefined();
});

async function seedThatFinds(found: RegExp, sabotage: Sabotage): Promise<number | undefined> {
  for (let seed = 0; seed < MOST_SEEDS; seed += 1) {
    const { breaks } = await runSeed(seed, { sabotage });
    if (breaks.some((text) => found.test(text))) return seed;
  }
  return undefined;
}

function compareNothing(registry: MemoryRegistry) {
  return replaceIn(registry, {
    commit: (changes) => {
      for (const change of changes) registry.seed(keyOf(change), 'create' in change ? change.row : change.next);
      return Promise.resolve('committed' as const);
    },
  });
}

function keepHalf(registry: MemoryRegistry) {
  return replaceIn(registry, {
    commit: (changes) =>
      registry.commit(changes.filter((change) => keyOf(change).table !== 'ledger' || changes.length === 1)),
  });
}

function forgetPending(registry: MemoryRegistry) {
  return replaceIn(registry, { pendingAlignments: () => Promise.resolve([]) });
}

function activateEarly(broker: MemoryBroker) {
  return replaceIn(broker, {
    attachThing: async (name, arn) => {
      await broker.attachThing(name, arn);
      await broker.setStatus(arn.slice(arn.lastIndexOf('/') + 1), 'ACTIVE');
    },
  });
}

function replaceIn<P extends object>(port: P, methods: Partial<P>): P {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(name in methods ? methods : target, name);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
}
