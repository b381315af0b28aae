// Do all workers together stay below the account's IoT quotas, and does what can be left out take no turn from the rest?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { brokerQuota, drawToken, type Bucket } from '../../../functions/onboarding/broker-quota.ts';
import { makeScene, NOW, type Scene } from '../scene.ts';

const PER_SECOND = 9.6;
const START = Date.parse(NOW);
const KEY = { table: 'devices', pk: 'quota#broker', sk: 'row' } as const;

describe('a turn', () => {
  test('is there at once for the first, and comes at 9.6 a second for the others', async () => {
    const { quota, clock } = await makeScene();
    await quota.awaitTurn();
    expect(clock.pauses).toEqual([]);
    await quota.awaitTurn();
    expect(clock.pauses).toEqual([105]);
  });

  test('F08 is there for a hundred devices in no less than ten seconds', async () => {
    const { quota, clock } = await makeScene();
    for (let device = 0; device < 100; device += 1) await quota.awaitTurn();
    expect(Date.parse(clock.now()) - START).toBeGreaterThanOrEqual((99 / PER_SECOND) * 1000);
  });

  test('is drawn by one of the tasks of a process after the other: a batch does not race with itself', async () => {
    const { quota, registry, clock } = await makeScene();
    await Promise.all(Array.from({ length: 50 }, () => quota.awaitTurn()));
    // One read and one commit each: nobody was faster, nobody tried again.
    expect(registry.calls.filter((name) => name === 'commit')).toHaveLength(50);
    expect(clock.pauses).toHaveLength(49);
    expect((await bucketIn(registry))?.['version']).toBe(50);
  });

  test('of a task follows one that failed', async () => {
    const { quota, registry } = await makeScene();
    registry.failNext({ on: 'read', kept: false });
    const turns = await Promise.allSettled([quota.awaitTurn(), quota.awaitTurn()]);
    expect(turns.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  test('is drawn anew when another process was faster, and is given up as a fault after twenty times', async () => {
    const { quota, registry, clock } = await makeScene();
    registry.beforeCommit(() => brokerQuota(registry, clock).awaitTurn());
    await quota.awaitTurn();
    expect((await bucketIn(registry))?.['tokens']).toBe(-1);
    for (let race = 0; race < 19; race += 1) registry.beforeCommit(() => move(registry));
    await quota.awaitTurn();
    for (let race = 0; race < 20; race += 1) registry.beforeCommit(() => move(registry));
    await expect(quota.awaitTurn()).rejects.toMatchObject({ code: 'comparison-lost' });
  });

  test('is never taken from a malformed bucket: that is a fault, not a full one', async () => {
    const { quota, registry } = await makeScene();
    registry.seed(KEY, { version: 1, tokens: 'many', at: NOW });
    await expect(quota.awaitTurn()).rejects.toMatchObject({ code: 'row-malformed' });
    await expect(quota.tryTurn()).rejects.toMatchObject({ code: 'row-malformed' });
  });
});

describe('what can be left out', () => {
  test('takes a turn only when one is there at this moment, and never waits', async () => {
    const { quota, clock, registry } = await makeScene();
    expect(await quota.tryTurn()).toBe(true);
    const before = await bucketIn(registry);
    expect(await quota.tryTurn()).toBe(false);
    // The turn that was not there was not drawn in advance either.
    expect(await bucketIn(registry)).toEqual(before);
    clock.advance(105);
    expect(await quota.tryTurn()).toBe(true);
    expect(clock.pauses).toEqual([]);
  });

  test('takes none while others wait for theirs', async () => {
    const { quota, clock } = await makeScene();
    const waiting = clock.pause.bind(clock);
    clock.pause = () => Promise.resolve();
    for (let device = 0; device < 10; device += 1) await quota.awaitTurn();
    clock.pause = waiting;
    clock.advance(900);
    expect(await quota.tryTurn()).toBe(false);
    clock.advance(200);
    expect(await quota.tryTurn()).toBe(true);
  });

  test('is left out after three races, without a fault', async () => {
    const { quota, registry, clock } = await makeScene();
    await quota.tryTurn();
    clock.advance(1000);
    for (let race = 0; race < 3; race += 1) registry.beforeCommit(() => move(registry));
    expect(await quota.tryTurn()).toBe(false);
    for (let race = 0; race < 2; race += 1) registry.beforeCommit(() => move(registry));
    expect(await quota.tryTurn()).toBe(true);
  });
});

test('a reel of certificates takes no turn from the devices, and keeps to the quota of its own call', async () => {
  const { quota, clock } = await makeScene();
  for (let certificate = 0; certificate < 100; certificate += 1) await quota.awaitTurn('registration');
  expect(Date.parse(clock.now()) - START).toBeGreaterThanOrEqual((99 / 8) * 1000);
  const before = clock.pauses.length;
  await quota.awaitTurn();
  expect(clock.pauses).toHaveLength(before);
});

describe('the bucket', () => {
  test('grants no more than ten calls in any second, whenever workers come', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(gaps, (between) => {
        const grants = grantTimes(between).sort((a, b) => a - b);
        for (const from of grants)
          expect(grants.filter((time) => time >= from && time < from + 1000).length).toBeLessThanOrEqual(10);
      }),
      { numRuns: 60 },
    );
  });

  test('never holds more than one token, however long nobody came', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (pause) => {
        const first = drawToken(undefined, NOW).next;
        expect(drawToken(first, at(pause)).next.tokens).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('F21 gives nothing for a clock that runs behind', () => {
    const first = drawToken(undefined, NOW).next;
    const second = drawToken(first, at(-60_000)).next;
    expect(second).toEqual({ version: 2, tokens: first.tokens - 1, at: NOW });
  });
});

type Registry = Scene['registry'];

async function bucketIn(registry: Registry) {
  return (await registry.read([KEY]))[0];
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
