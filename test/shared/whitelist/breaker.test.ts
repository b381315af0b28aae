// When does a CA look stolen, who opens and closes its breaker, and does an operator's word stand?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Fault } from '../../../shared/outcome.ts';
import {
  BREAKER,
  breakerCountKey,
  breakerKey,
  closeBreaker,
  countCertificate,
  isCooledDown,
  isFlood,
  markApplied,
  openBreaker,
  parseBreaker,
  parseBreakerCount,
  type Breaker,
  type BreakerCount,
} from '../../../shared/whitelist/breaker.ts';

const START = Date.parse('2026-11-24T12:00:00.000Z');
const NOW = at(0);
const authority = 'c'.repeat(64);

const byRule = made(openBreaker(undefined, { authority, by: 'rule', now: NOW }));
const byOperator = made(openBreaker(undefined, { authority, by: 'operator', now: NOW }));
const closed = made(closeBreaker(byRule, { authority, by: 'rule', now: NOW }));

describe('T051 a flood', () => {
  test('is the fiftieth certificate within a minute, and not the forty-ninth', () => {
    expect(BREAKER).toEqual({ most: 50, windowSeconds: 60, coolDownSeconds: 900 });
    expect(isFlood(countOf(Array<number>(49).fill(0)))).toBe(false);
    expect(isFlood(countOf(Array<number>(50).fill(0)))).toBe(true);
    expect(isFlood(countOf([...Array<number>(49).fill(0), 60_000]))).toBe(true);
  });

  test('is none where the fiftieth comes after the minute: the window begins anew with it', () => {
    expect(countOf([...Array<number>(49).fill(0), 60_001])).toEqual({
      version: 50,
      since: at(60_001),
      certificates: 1,
    });
  });

  test('is seen in no minute that holds fewer than fifty certificates', () => {
    const gaps = fc.array(fc.integer({ min: 1_225, max: 5_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, (between) => {
        let time = 0;
        const counts = countsOf(between.map((gap) => (time += gap)));
        expect(counts.some(isFlood)).toBe(false);
      }),
    );
  });
});

describe('a breaker', () => {
  test('opens with its first version, by rule or by an operator, and the broker is to follow at once', () => {
    expect(byRule).toEqual({ version: 1, authority, position: 'open', by: 'rule', since: NOW, brokerPending: NOW });
    expect(byOperator).toEqual({ ...byRule, by: 'operator' });
  });

  test('that is open by rule opens no second time by rule, so that its end is not put off', () => {
    expect(openBreaker(byRule, { authority, by: 'rule', now: at(1000) })).toBeUndefined();
  });

  test('T051 that an operator opened stays open: the rule puts no end of its own to it', () => {
    expect(openBreaker(byOperator, { authority, by: 'rule', now: at(1000) })).toBeUndefined();
    expect(openBreaker(byOperator, { authority, by: 'operator', now: at(1000) })).toBeUndefined();
    expect(isCooledDown(byOperator, at(365 * 86_400_000))).toBe(false);
    expect(markApplied(byOperator, at(1000))).not.toHaveProperty('brokerPending');
  });

  test('that is open by rule is taken over by an operator', () => {
    expect(openBreaker(byRule, { authority, by: 'operator', now: at(1000) })).toMatchObject({
      version: 2,
      by: 'operator',
      since: at(1000),
    });
  });

  test('opens again after it was closed', () => {
    expect(openBreaker(closed, { authority, by: 'rule', now: at(1000) })).toMatchObject({
      version: 3,
      position: 'open',
    });
  });

  test('closes only when it is open', () => {
    expect(closed).toEqual({ version: 2, authority, position: 'closed', by: 'rule', since: NOW, brokerPending: NOW });
    expect(closeBreaker(byOperator, { authority, by: 'operator', now: NOW })).toMatchObject({ position: 'closed' });
    expect(closeBreaker(undefined, { authority, by: 'operator', now: NOW })).toBeUndefined();
    expect(closeBreaker(closed, { authority, by: 'operator', now: NOW })).toBeUndefined();
  });

  test('T051 that the rule opened is due after a quarter of an hour, and not before', () => {
    expect(isCooledDown(byRule, at(899_999))).toBe(false);
    expect(isCooledDown(byRule, at(900_000))).toBe(true);
    expect(isCooledDown(closed, at(900_000))).toBe(false);
  });

  test('that was applied is looked at again when its time is over, and otherwise never', () => {
    expect(markApplied(byRule, at(1000))).toEqual({
      version: 2,
      authority,
      position: 'open',
      by: 'rule',
      since: NOW,
      alignedAt: at(1000),
      brokerPending: at(900_000),
    });
    expect(markApplied(closed, at(1000))).not.toHaveProperty('brokerPending');
  });
});

describe('rows', () => {
  test('come back as they were', () => {
    for (const row of [byRule, closed, markApplied(byRule, NOW)])
      expect(parseBreaker(JSON.parse(JSON.stringify(row)))).toEqual(row);
    const count = countOf([0, 1]);
    expect(parseBreakerCount(JSON.parse(JSON.stringify(count)))).toEqual(count);
  });

  test.each([undefined, {}, { ...byRule, position: 'ajar' }, { ...byRule, by: 'nobody' }, { ...byRule, since: 'now' }])(
    '%j is no breaker but a fault',
    (row) => {
      expect(() => parseBreaker(row)).toThrow(Fault);
    },
  );

  test.each([
    undefined,
    {},
    { version: 1, since: NOW, certificates: -1 },
    { version: 1, since: 'now', certificates: 1 },
  ])('%j is no count but a fault', (row) => {
    expect(() => parseBreakerCount(row)).toThrow(Fault);
  });

  test('of two CAs stand apart, and the count apart from the breaker', () => {
    const other = 'd'.repeat(64);
    const keys = [breakerKey(authority), breakerKey(other), breakerCountKey(authority), breakerCountKey(other)];
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(4);
  });
});

function at(milliseconds: number): string {
  return new Date(START + milliseconds).toISOString();
}

/** The count after each of these certificates, which come at these milliseconds. */
function countsOf(times: readonly number[]): BreakerCount[] {
  let count: BreakerCount | undefined;
  return times.map((time) => (count = countCertificate(count, at(time))));
}

function countOf(times: readonly number[]): BreakerCount {
  const count = countsOf(times).at(-1);
  if (count === undefined) throw new Error('expected a count');
  return count;
}

function made(breaker: Breaker | undefined): Breaker {
  if (breaker === undefined) throw new Error('expected a move');
  return breaker;
}
