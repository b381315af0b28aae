// What holds on every way through the lifecycle, however long? Random sequences of legal moves.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseDevice } from '../../shared/device-row.ts';
import {
  endedBetween,
  isDenied,
  isEnrolling,
  isOperational,
  isOwned,
  isQuarantined,
  isRetired,
  MOVES,
  operationalOf,
  projectionOf,
  type Device,
} from '../../shared/lifecycle.ts';
import {
  claim,
  confirm,
  deny,
  lift,
  markAligned,
  markPending,
  offer,
  openWindow,
  place,
  quarantine,
  register,
  reset,
  retire,
} from '../../shared/lifecycle-moves.ts';
import { issued, LATER, LISTED, NOW, stored, WINDOW } from './devices.ts';

/** What one step makes of a device; undefined where it is not legal. `fresh` is a certificate that nobody has seen before. */
const STEPS: Readonly<Record<string, (device: Device, fresh: string) => Device | undefined>> = {
  register: (device) => (isOwned(device) ? register(device, LATER) : undefined),
  offer: (device, fresh) => (isEnrolling(device) ? offer(device, certificate(fresh), LATER) : undefined),
  confirm: (device) =>
    isEnrolling(device) && device.offered !== undefined ? confirm(device, device.offered, LATER) : undefined,
  openWindow: (device) => (isOperational(device) ? openWindow(device, WINDOW) : undefined),
  reset: (device) => (isOperational(device) ? reset(device, LATER) : undefined),
  restrict: (device) => quarantine(device, { level: 'restricted', cause: 'investigation', now: LATER }),
  cut: (device) => quarantine(device, { level: 'cut', cause: 'clone', now: LATER }),
  lift: (device) => (isQuarantined(device) ? lift(device, LATER) : undefined),
  deny: (device) => deny(device, { cause: 'stolen', now: LATER }),
  retire: (device) => retire(device, { cause: 'end-of-life', now: LATER }),
  place: (device, fresh) => place(device, fresh),
  align: (device) => markAligned(device, LATER),
  differ: (device) => markPending(device, LATER),
};

/** Towards work more often than away from it, and seldom to an end: most ways are long, and lead everywhere. */
const TIMES: Readonly<Record<string, number>> = { register: 6, offer: 6, confirm: 6 };
const ENDS = ['deny', 'retire'];

/** At each step one of the legal ones, by number. */
const choices = fc.record({ pick: fc.nat(1000), mayEnd: fc.nat(15).map((number) => number === 0) });
const walks = fc.record({
  path: fc.constantFrom('jitr' as const, 'registered' as const),
  steps: fc.array(choices, { minLength: 20, maxLength: 60 }),
});
type Walk = typeof walks extends fc.Arbitrary<infer W> ? W : never;

test('on every way, each row follows the one before by the table and the laws', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(walks, (walk) => {
      for (const { previous, next, gone } of followed(walk)) {
        reached.add(`${previous.state} -> ${next.state}`);
        expect(next.version).toBe(previous.version + 1);
        expect(next.epoch).toBeGreaterThanOrEqual(previous.epoch);
        if (next.state !== previous.state) expect(TABLED.has(`${previous.state} -> ${next.state}`)).toBe(true);
        // T050: final is final; only a denial is more than a retirement.
        if (isDenied(previous)) expect(next.state).toBe('denied');
        if (isRetired(previous)) expect(['retired', 'denied']).toContain(next.state);
        // What has ended, or was only offered before, comes back by no move.
        const held = operationalOf(next).map(({ certificate: { certificateId } }) => certificateId);
        expect(held.filter((certificateId) => gone.has(certificateId))).toEqual([]);
        // From the first confirmation on, the factory certificate opens nothing (T075).
        if (isOperational(next) || (isQuarantined(next) && next.from === 'operational'))
          expect(projectionOf(next).factoryCertificate).toBe(next.path === 'jitr' ? 'absent' : 'inactive');
        expect(parseDevice(stored(next))).toEqual(next);
      }
    }),
    { numRuns: 300 },
  );
  // The ways led over every move of the table: a law that is never met would hold of anything.
  expect([...TABLED].filter((move) => !reached.has(move))).toEqual([]);
});

const TABLED = new Set(MOVES.filter(({ from }) => from !== 'listed').map(({ from, to }) => `${from} -> ${to}`));

interface Step {
  readonly previous: Device;
  readonly next: Device;
  /** Certificates that had ended before, or have now. */
  readonly gone: ReadonlySet<string>;
}

function followed({ path, steps }: Walk): readonly Step[] {
  const found: Step[] = [];
  let [present, gone] = [claim({ ...LISTED, path, owner: 'clinic', now: NOW }) as Device, new Set<string>()];
  for (const [index, { pick, mayEnd }] of steps.entries()) {
    const legal = Object.entries(STEPS).flatMap(([name, make]) => {
      const next = make(present, String(index));
      if (next === undefined || (ENDS.includes(name) && !mayEnd)) return [];
      return Array<Device>(TIMES[name] ?? 1).fill(next);
    });
    const next = legal[pick % legal.length];
    if (next === undefined) throw new Error('expected a legal step in every state');
    gone = new Set([...gone, ...endedBetween(present, next).map(({ certificateId }) => certificateId)]);
    found.push({ previous: present, next, gone });
    present = next;
  }
  return found;
}

function certificate(fresh: string) {
  return { ...issued('b'), certificateId: fresh.padStart(64, '0'), serial: fresh };
}
