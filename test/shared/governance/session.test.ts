// What do connects and disconnects, at least once and in any order, say of a device?
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  addressDigest,
  alternates,
  ALTERNATIONS,
  isLive,
  observe,
  parseSessions,
  type Presence,
  type Sessions,
} from '../../../shared/governance/session.ts';

const NOON = Date.parse('2026-11-24T12:00:00.000Z');
const CERTIFICATE = 'a'.repeat(64);
const at = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();

function connected(session: string, seconds: number, wishes: Partial<Presence> = {}): Presence {
  const where = { device: 'acme-P1', certificateId: CERTIFICATE, address: '10.0.0.1' };
  return { event: 'connected', ...where, session, at: at(seconds), ...wishes };
}

const disconnected = (session: string, seconds: number): Presence => ({
  ...connected(session, seconds),
  event: 'disconnected',
});

/** The row after these events; what says nothing leaves it as it was. */
function after(...events: readonly Presence[]): Sessions | undefined {
  return events.reduce<Sessions | undefined>((row, event) => observe(row, event) ?? row, undefined);
}

const showsClone = (row: Sessions | undefined) => row !== undefined && alternates(row);

describe('a session', () => {
  test('is live from its begin to its end', () => {
    expect(isLive(after(connected('s1', 0)), CERTIFICATE)).toBe(true);
    expect(isLive(after(connected('s1', 0), disconnected('s1', 5)), CERTIFICATE)).toBe(false);
    expect(isLive(undefined, CERTIFICATE)).toBe(false);
  });

  test('over another certificate says nothing of this one', () => {
    expect(isLive(after(connected('s1', 0)), 'b'.repeat(64))).toBe(false);
  });

  test('whose end was heard before its begin never was open', () => {
    expect(isLive(after(disconnected('s1', 5), connected('s1', 0)), CERTIFICATE)).toBe(false);
    const taken = after(connected('s1', 0), disconnected('s2', 9), connected('s2', 8));
    expect(isLive(taken, CERTIFICATE)).toBe(false);
  });

  test('that another has replaced does not end the newer one', () => {
    expect(isLive(after(connected('s1', 0), connected('s2', 3), disconnected('s1', 3)), CERTIFICATE)).toBe(true);
  });

  test('that is older than the newest changes nothing', () => {
    const newest = after(connected('s2', 10));
    expect(newest && observe(newest, connected('s1', 9))).toBeUndefined();
    expect(newest && observe(newest, connected('s2', 10))).toBeUndefined();
  });

  test('ends once: a second end of it is no change', () => {
    const over = after(connected('s1', 0), disconnected('s1', 5));
    expect(over && observe(over, disconnected('s1', 5))).toBeUndefined();
    const early = after(disconnected('s1', 5));
    expect(early && observe(early, disconnected('s1', 5))).toBeUndefined();
  });
});

describe('T053 addresses that alternate', () => {
  const pingPong = (times: number, everySeconds: number) =>
    after(
      ...Array.from({ length: times + 1 }, (_, index) =>
        connected(`s${index}`, index * everySeconds, { address: index % 2 === 0 ? '10.0.0.1' : '10.0.0.2' }),
      ),
    );

  test(`are a sign from the ${ALTERNATIONS.most + 1}th change within ${ALTERNATIONS.seconds} seconds on`, () => {
    const verdicts = [3, 4, 5].map((times) => showsClone(pingPong(times, 10)));
    expect(verdicts).toEqual([false, true, true]);
  });

  test('are none when a device moves slowly', () => {
    expect(showsClone(pingPong(20, 20))).toBe(false);
  });

  test('are none when a device comes back from the same address, however often', () => {
    const same = after(...Array.from({ length: 30 }, (_, index) => connected(`s${index}`, index)));
    expect(showsClone(same)).toBe(false);
  });

  test('are none when the certificate was replaced', () => {
    const renewed = after(
      ...Array.from({ length: 6 }, (_, index) =>
        connected(`s${index}`, index, { certificateId: String(index).repeat(64), address: `10.0.0.${index}` }),
      ),
    );
    expect(showsClone(renewed)).toBe(false);
  });
});

test('keeps no address, and the same address of two devices looks different', () => {
  const row = after(connected('s1', 0, { address: '203.0.113.7' }));
  expect(JSON.stringify(row)).not.toContain('203.0.113.7');
  expect(addressDigest('acme-P1', '203.0.113.7')).not.toBe(addressDigest('acme-P2', '203.0.113.7'));
});

test('whatever comes, in whatever order: rows come back from their store, grow by one, and stay small', () => {
  const event = fc.record({
    session: fc.constantFrom('s1', 's2', 's3', 's4', 's5', 's6'),
    seconds: fc.integer({ min: 0, max: 120 }),
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
    over: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let row: Sessions | undefined;
      for (const { session, seconds, address, over } of events) {
        const seen = over ? disconnected(session, seconds) : connected(session, seconds, { address });
        const next = observe(row, seen);
        if (next === undefined) continue;
        expect(next.version).toBe((row?.version ?? 0) + 1);
        expect(parseSessions(JSON.parse(JSON.stringify(next)))).toEqual(next);
        row = next;
      }
    }),
  );
});
