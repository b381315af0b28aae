// Are the legal moves the only ones, and does a stored row come back only as what it was?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  claim,
  isOwned,
  isRegistered,
  markAligned,
  markPending,
  MOVES,
  parseDevice,
  register,
  type Device,
  type OwnedDevice,
} from '../../shared/lifecycle.ts';
import { Fault } from '../../shared/outcome.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const LATER = '2026-11-24T12:00:05.000Z';

const owned: OwnedDevice = claim({
  id: 'acme-A1',
  manufacturer: 'acme',
  path: 'jitr',
  factoryCertificate: 'a'.repeat(64),
  owner: 'clinic',
  now: NOW,
});
const registered = register(owned, LATER);
const beforehand = { ...owned, path: 'registered' } as const;
const devices: [string, Device][] = [
  ['owned', owned],
  ['registered', registered],
  ['owned and aligned', markAligned(owned, LATER)],
  ['registered and aligned', markAligned(registered, LATER)],
  ['registered, aligned and pending again', markPending(markAligned(registered, LATER), LATER)],
  ['owned, of the path registered', beforehand],
  ['registered, of the path registered', register(beforehand, LATER)],
];

describe('moves', () => {
  test('the table holds the legal moves and no other', () => {
    expect(MOVES.map(({ from, to, by }) => `${from} -> ${to} by ${by}`)).toEqual([
      'listed -> owned by claim',
      'owned -> registered by first-connect',
      'owned -> quarantined by quarantine',
      'registered -> quarantined by quarantine',
      'quarantined -> quarantined by quarantine',
      'listed -> denied by deny',
      'owned -> denied by deny',
      'registered -> denied by deny',
      'quarantined -> denied by deny',
    ]);
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

  test('only the state `owned` is owned and waits for its first connect', () => {
    expect(devices.map(([, device]) => isOwned(device))).toEqual([true, false, true, false, false, true, false]);
  });

  test('only the state `registered` is admitted and not more', () => {
    expect(devices.map(([, device]) => isRegistered(device))).toEqual([false, true, false, true, true, false, true]);
  });

  test('a path is kept from the claim on: no move changes it', () => {
    const claimed = claim({ ...registered, path: 'registered', now: NOW });
    expect(claimed.path).toBe('registered');
    for (const device of [register(claimed, LATER), markAligned(claimed, LATER), markPending(claimed, LATER)])
      expect(device.path).toBe('registered');
  });
});

describe('parseDevice', () => {
  test.each(devices)('%s: comes back from its row as it was', (_title, device) => {
    expect(parseDevice(JSON.parse(JSON.stringify(device)) as Record<string, unknown>)).toEqual(device);
  });

  test('keeps nothing of a row that the state does not have', () => {
    expect(parseDevice({ ...owned, registeredAt: NOW, pk: 'x', administrator: true })).toEqual(owned);
  });

  test.each(['', 'Owned', 'operational', 'retired', 'listed', 'toString', '__proto__'])(
    'takes the unknown state "%s" for a fault, never for a default',
    (state) => {
      expect(() => parseDevice({ ...registered, state })).toThrow(Fault);
    },
  );

  test.each(['JITR', 'dpp', 'toString'])('takes the unknown path "%s" for a fault, never for a default', (path) => {
    expect(() => parseDevice({ ...registered, path })).toThrow(Fault);
  });

  test('takes an unknown proof of ownership for a fault', () => {
    expect(() => parseDevice({ ...owned, proof: 'voucher' })).toThrow(Fault);
  });

  const wrong = {
    text: fc.constantFrom<unknown>(undefined, null, '', 0, true, [], {}, ['x']),
    count: fc.constantFrom<unknown>(undefined, null, 0, -1, 1.5, '1', Number.NaN, 2 ** 53, Infinity, [1]),
  };
  const members: [string, keyof typeof wrong][] = [
    ['id', 'text'],
    ['version', 'count'],
    ['owner', 'text'],
    ['epoch', 'count'],
    ['manufacturer', 'text'],
    ['path', 'text'],
    ['factoryCertificate', 'text'],
    ['proof', 'text'],
    ['state', 'text'],
    ['registeredAt', 'text'],
  ];

  test.each(members)('takes a row whose "%s" is missing or no %s for a fault', (member, kind) => {
    fc.assert(
      fc.property(wrong[kind], (value) => {
        expect(() => parseDevice({ ...registered, [member]: value })).toThrow(Fault);
      }),
    );
  });

  test.each(['brokerPending', 'alignedAt'])('takes a row whose "%s" is there but no text for a fault', (member) => {
    fc.assert(
      fc.property(
        wrong.text.filter((value) => value !== undefined),
        (value) => {
          expect(() => parseDevice({ ...registered, [member]: value })).toThrow(Fault);
        },
      ),
    );
  });
});
