// What if all devices are switched on at once? A thousand here; ten thousand in `npm run bench`.
import { expect, test } from 'vitest';

import { NEEDED, runStorm, type Storm } from './storm.ts';

const DEVICES = 1_000;
/** Of what the quota of the scarcest call allows; a share is left for people. */
const LEAST_SHARE = 0.93;

// So few are in before a quota of certificates that enter matters: it is lifted, and all stand at the door at once.
const TERMS = { devices: DEVICES, entersPerSecond: 1_000 };

const calm = runStorm(TERMS);

test('a storm is drained at the pace of the quota: none lost, none admitted twice, none stuck', async () => {
  const storm = await calm;
  tell('storm', storm);
  expectAllIn(storm);
  expect(storm.perSecond).toBeGreaterThan(LEAST_SHARE * storm.boundPerSecond);
  expect(storm.throttled).toBe(0);
});

test('an admission costs two reads and one transaction, and at the broker one read and four changes', async () => {
  const { callsPerAdmission, readsPerNotice, transactionsPerAdmission } = await calm;
  expect(callsPerAdmission).toEqual(Object.fromEntries(NEEDED.map((call) => [call, 1])));
  expect(readsPerNotice).toBeLessThanOrEqual(2);
  expect(transactionsPerAdmission).toBe(1);
});

test('T051 strangers and clones of another CA slow no listed device down, and the breaker of their CA alone opens', async () => {
  const [alone, storm] = [await calm, await runStorm({ ...TERMS, intruders: 300 })];
  tell('storm with intruders', storm);
  expectAllIn(storm);
  expect(storm.intrudersIn).toBe(0);
  expect(storm.drainSeconds).toBeLessThan(1.05 * alone.drainSeconds);
  expect(storm.closedFor).toEqual({ intruders: true, devices: false });
});

test('duplicates, disorder and spurious throttling lose nothing and double nothing', async () => {
  const storm = await runStorm({ ...TERMS, isRude: true });
  tell('rude storm', storm);
  expectAllIn(storm);
  expect(storm.drainSeconds).toBeLessThan(1.3 * (await calm).drainSeconds);
});

function expectAllIn({ devices, admitted, lost, twice, stuck, breaks }: Storm): void {
  expect({ admitted, lost, twice, stuck, breaks }).toEqual({
    admitted: devices,
    lost: 0,
    twice: 0,
    stuck: 0,
    breaks: [],
  });
}

function tell(name: string, { devices, drainSeconds, perSecond, boundPerSecond, notices, throttled }: Storm): void {
  console.log(
    `${name}: ${devices} devices in after ${drainSeconds} s of virtual time, ${perSecond}/s of ${boundPerSecond}/s, ` +
      `${notices} notices, ${throttled} calls throttled`,
  );
}
