// Are the legal moves the only ones, and what does each keep?
import { describe, expect, expectTypeOf, test } from 'vitest';

import {
  certificateInUse,
  isDenied,
  isEnrolling,
  isOperational,
  isOwned,
  isQuarantined,
  isRegistered,
  isRetired,
  MOVES,
  type Device,
  type DeviceState,
} from '../../shared/lifecycle.ts';
import {
  claim,
  confirm,
  deny,
  denyListed,
  lift,
  markAligned,
  markPending,
  type offer,
  openWindow,
  place,
  quarantine,
  register,
  reset,
  retire,
  touch,
} from '../../shared/lifecycle-moves.ts';
import {
  CUT,
  DEVICES,
  ENDED,
  issued,
  LATER,
  LISTED,
  LOST,
  made,
  NOW,
  operational,
  owned,
  registered,
  RESTRICT,
  WINDOW,
} from './devices.ts';

const devices = Object.entries(DEVICES);

describe('moves', () => {
  test('the table holds the legal moves and no other', () => {
    expect(tabled()).toEqual([
      'listed -> owned by claim',
      'owned -> registered by first-connect',
      'registered -> operational by confirm',
      'operational -> operational by confirm',
      'operational -> owned by reset',
      'owned -> quarantined by quarantine',
      'registered -> quarantined by quarantine',
      'operational -> quarantined by quarantine',
      'quarantined -> quarantined by quarantine',
      'quarantined -> owned by lift',
      'listed -> denied by deny',
      'owned -> denied by deny',
      'registered -> denied by deny',
      'operational -> denied by deny',
      'quarantined -> denied by deny',
      'retired -> denied by deny',
      'owned -> retired by retire',
      'registered -> retired by retire',
      'operational -> retired by retire',
      'quarantined -> retired by retire',
    ]);
  });

  test('the functions make those of the table and no other, from a device in whatever state', () => {
    const fromListed = [
      `listed -> ${claim({ ...LISTED, owner: 'clinic', now: NOW }).state} by claim`,
      `listed -> ${denyListed(LISTED, LOST).state} by deny`,
    ];
    const found = new Set([...fromListed, ...devices.flatMap(([, device]) => movesOf(device))]);
    expect([...found].sort()).toEqual([...tabled()].sort());
  });

  test('a function takes only the states that the table names for it', () => {
    expectTypeOf<Parameters<typeof register>[0]['state']>().toEqualTypeOf<'owned'>();
    expectTypeOf<Parameters<typeof offer>[0]['state']>().toEqualTypeOf<'registered' | 'operational'>();
    expectTypeOf<Parameters<typeof confirm>[0]['state']>().toEqualTypeOf<'registered' | 'operational'>();
    expectTypeOf<Parameters<typeof openWindow>[0]['state']>().toEqualTypeOf<'operational'>();
    expectTypeOf<Parameters<typeof reset>[0]['state']>().toEqualTypeOf<'operational'>();
    expectTypeOf<Parameters<typeof lift>[0]['state']>().toEqualTypeOf<'quarantined'>();
  });

  test('a claim makes the first version, of the first epoch, with the weaker proof, pending at the broker', () => {
    expect(owned).toEqual({
      id: 'acme-A1',
      manufacturer: 'acme',
      path: 'jitr',
      factoryCertificate: 'a'.repeat(64),
      owner: 'clinic',
      state: 'owned',
      version: 1,
      epoch: 1,
      proof: 'claim',
      brokerPending: NOW,
    });
  });

  test('a first connect keeps owner, epoch and certificate, counts one version and is pending at the broker', () => {
    expect(registered).toEqual({
      ...owned,
      state: 'registered',
      version: 2,
      registeredAt: LATER,
      brokerPending: LATER,
    });
  });

  test.each(devices)(
    '%s: every move keeps what the device is, where it was placed and when it was seen',
    (_t, device) => {
      const kept = ({ id, manufacturer, path, factoryCertificate, placement, alignedAt, owner }: Device) => {
        return { id, manufacturer, path, factoryCertificate, placement, alignedAt, owner };
      };
      for (const next of afterwards(device)) {
        expect(kept(next)).toEqual(kept(device));
        expect(next).toMatchObject({ version: device.version + 1, brokerPending: LATER });
      }
    },
  );

  test.each(devices)('%s: a new epoch begins with a lift, and with no other move', (_title, device) => {
    for (const next of afterwards(device)) {
      const lifted = isQuarantined(device) && isOwned(next);
      expect(next.epoch).toBe(lifted ? device.epoch + 1 : device.epoch);
    }
  });
});

describe('what is no move', () => {
  test.each(devices)('%s: seen to match, nothing is pending; seen to differ, it is again', (_title, device) => {
    const aligned = markAligned(device, LATER);
    expect({ ...aligned, brokerPending: undefined }).toEqual({
      ...device,
      brokerPending: undefined,
      version: device.version + 1,
      alignedAt: LATER,
    });
    expect('brokerPending' in aligned).toBe(false);
    expect(markPending(aligned, NOW)).toEqual({ ...aligned, version: device.version + 2, brokerPending: NOW });
  });

  test.each(devices)('%s: touched, it is as it was, but for its version', (_title, device) => {
    expect(touch(device)).toEqual({ ...device, version: device.version + 1 });
  });

  test.each(devices)('%s: placed, nothing else changes, and nothing is asked of the broker', (_title, device) => {
    const placed = place(device, 'ward-9');
    if (device.owner === undefined) expect(placed).toBeUndefined();
    else expect(placed).toEqual({ ...device, placement: 'ward-9', version: device.version + 1 });
    expect(placed === undefined ? undefined : place(placed, 'ward-9')).toBeUndefined();
  });

  test('an open window changes nothing else, and takes the place of the one before', () => {
    expect(openWindow(operational, WINDOW)).toEqual({
      ...operational,
      version: operational.version + 1,
      window: WINDOW,
    });
    const later = { opens: LATER, closes: '2026-11-25T12:00:05.000Z' };
    expect(openWindow(openWindow(operational, WINDOW), later).window).toEqual(later);
  });
});

describe('questions', () => {
  const QUESTIONS = {
    owned: isOwned,
    registered: isRegistered,
    operational: isOperational,
    quarantined: isQuarantined,
    denied: isDenied,
    retired: isRetired,
  } as const satisfies Record<DeviceState, unknown>;

  test('each state is known by its own question only', () => {
    for (const [state, ask] of Object.entries(QUESTIONS))
      for (const [title, device] of devices) expect(ask(device), `${state}? ${title}`).toBe(device.state === state);
    expect(new Set(devices.map(([, { state }]) => state))).toEqual(new Set(Object.keys(QUESTIONS)));
  });

  test('a certificate is given to devices that are registered or operational, over the one that they use', () => {
    const enrolling = devices.map(([, device]) => device).filter(isEnrolling);
    expect(new Set(enrolling.map(({ state }) => state))).toEqual(new Set(['registered', 'operational']));
    for (const device of enrolling)
      expect(certificateInUse(device)).toBe((isOperational(device) ? 'b' : 'a').repeat(64));
  });
});

function tabled(): readonly string[] {
  return MOVES.map(({ from, to, by }) => `${from} -> ${to} by ${by}`);
}

function movesOf(device: Device): readonly string[] {
  return afterEach(device).map(([by, next]) => `${device.state} -> ${next.state} by ${by}`);
}

function afterwards(device: Device): readonly Device[] {
  return afterEach(device).map(([, next]) => next);
}

/** Every device that one move can make of it. */
function afterEach(device: Device): readonly (readonly [string, Device])[] {
  const moves: [string, Device | undefined][] = [
    ['first-connect', isOwned(device) ? register(device, LATER) : undefined],
    ['confirm', isEnrolling(device) ? confirm(device, device.offered ?? issued('d'), LATER) : undefined],
    ['reset', isOperational(device) ? reset(device, LATER) : undefined],
    ['quarantine', quarantine(device, RESTRICT)],
    ['quarantine', quarantine(device, CUT)],
    ['lift', isQuarantined(device) ? lift(device, LATER) : undefined],
    ['deny', deny(device, LOST)],
    ['retire', retire(device, ENDED)],
  ];
  return moves.flatMap(([by, next]) => (next === undefined ? [] : [[by, made(next)] as const]));
}
