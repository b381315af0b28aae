// Do all workers together stay below the account's IoT quotas?
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { awaitTurn, drawToken, type Bucket } from '../../../../functions/onboarding/align-broker/quota.ts';
import { makeScene, NOW } from '../../scene.ts';

const PER_SECOND = 5;
const BURST = 5;
const START = Date.parse(NOW);

test('lets a burst of five through without a pause', async () => {
  const { registry, clock } = await makeScene();
  for (let turn = 0; turn < BURST; turn += 1) await awaitTurn(registry, clock);
  expect(clock.pauses).toEqual([]);
  await awaitTurn(registry, clock);
  expect(clock.pauses).toEqual([200]);
});

test('F08 takes at least 19 seconds for a hundred devices', async () => {
  const { registry, clock } = await makeScene();
  for (let device = 0; device < 100; device += 1) await awaitTurn(registry, clock);
  expect(Date.parse(clock.now()) - START).toBeGreaterThanOrEqual(((100 - BURST) / PER_SECOND) * 1000);
});

test('grants no more than burst and rate allow in any window, whenever workers come', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(gaps, (between) => {
      const grants = grantTimes(between).sort((a, b) => a - b);
      for (const [first, from] of grants.entries()) {
        for (const [last, to] of grants.entries()) {
          // Grants are rounded to milliseconds: half a call of slack would be a call too many.
          if (last >= first)
            expect(last - first + 1).toBeLessThanOrEqual(BURST + ((to - from + 1) / 1000) * PER_SECOND + 1e-6);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('never holds more tokens than the burst, however long nobody came', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (pause) => {
      const first = drawToken(undefined, NOW).next;
      expect(drawToken(first, at(pause)).next.tokens).toBeLessThanOrEqual(BURST - 1);
    }),
  );
});

test('F21 gives nothing for a clock that runs behind', () => {
  const first = drawToken(undefined, NOW).next;
  const second = drawToken(first, at(-60_000)).next;
  expect(second).toEqual({ version: 2, tokens: first.tokens - 1, at: NOW });
});

test('draws anew when another worker was faster, and gives up as a fault after ten times', async () => {
  const { registry, clock } = await makeScene();
  registry.beforeCommit(() => awaitTurn(registry, clock));
  await awaitTurn(registry, clock);
  expect(await bucketTokens(registry)).toBe(BURST - 2);
  for (let race = 0; race < 10; race += 1) registry.beforeCommit(() => move(registry));
  await expect(awaitTurn(registry, clock)).rejects.toMatchObject({ code: 'comparison-lost' });
});

test('takes a malformed bucket for a fault, never for a full one', async () => {
  const { registry, clock } = await makeScene();
  registry.seed(KEY, { version: 1, tokens: 'many', at: NOW });
  await expect(awaitTurn(registry, clock)).rejects.toMatchObject({ code: 'row-malformed' });
});

const KEY = { table: 'devices', pk: 'quota#broker', sk: 'row' } as const;

type Registry = Awaited<ReturnType<typeof makeScene>>['registry'];

async function bucketTokens(registry: Registry): Promise<unknown> {
  return (await registry.read([KEY]))[0]?.['tokens'];
}

async function move(registry: Registry): Promise<void> {
  const [row] = await registry.read([KEY]);
  registry.seed(KEY, { ...row, version: Number(row?.['version']) + 1 });
}

/** When each of these workers may call, in milliseconds; `between` are the times between their arrivals. */
function grantTimes(between: readonly number[]): number[] {
  let bucket: Bucket | undefined;
  let now = 0;
  return between.map((gap) => {
    now += gap;
    const { next, waitMs } = drawToken(bucket, at(now));
    bucket = next;
    return now + waitMs;
  });
}

function at(milliseconds: number): string {
  return new Date(START + milliseconds).toISOString();
}

test('a reel of certificates takes no turn from the devices, and keeps to the quota of its own call', async () => {
  const { registry, clock } = await makeScene();
  for (let certificate = 0; certificate < 100; certificate += 1) await awaitTurn(registry, clock, 'registration');
  expect(Date.parse(clock.now()) - START).toBeGreaterThanOrEqual(((100 - 8) / 8) * 1000);
  const before = clock.pauses.length;
  await awaitTurn(registry, clock);
  expect(clock.pauses).toHaveLength(before);
});
