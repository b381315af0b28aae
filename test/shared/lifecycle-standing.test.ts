// What becomes of a device whose standing is taken away, what does the broker show of it, and is there a way back?
import { describe, expect, test } from 'vitest';

import {
  claim,
  deny,
  denyListed,
  isAdmitted,
  isDenied,
  isOwned,
  isQuarantined,
  isRegistered,
  markAligned,
  MOVES,
  parseDevice,
  projectionOf,
  quarantine,
  register,
  type Device,
} from '../../shared/lifecycle.ts';
import { Fault } from '../../shared/outcome.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const LATER = '2026-11-24T12:00:05.000Z';

const listed = { id: 'acme-A1', manufacturer: 'acme', path: 'jitr', factoryCertificate: 'a'.repeat(64) } as const;
const owned = claim({ ...listed, owner: 'clinic', now: NOW });
const registered = register(owned, LATER);
const beforehand = { ...owned, path: 'registered' } as const;
const restrict = { level: 'restricted', cause: 'investigation', now: LATER } as const;
const cut = { level: 'cut', cause: 'compromised', now: LATER } as const;
const lost = { cause: 'lost', now: LATER } as const;
const ended = {
  'owned, restricted': made(quarantine(owned, restrict)),
  'registered, restricted': made(quarantine(registered, restrict)),
  'owned, cut': made(quarantine(owned, cut)),
  'registered, cut': made(quarantine(markAligned(registered, LATER), cut)),
  'registered, restricted and then cut': made(quarantine(made(quarantine(registered, restrict)), cut)),
  'of the path registered, restricted before its first connect': made(quarantine(beforehand, restrict)),
  'owned, denied': made(deny(owned, lost)),
  'registered, aligned, denied': made(deny(markAligned(registered, LATER), lost)),
  'in quarantine, denied': made(deny(made(quarantine(registered, cut)), lost)),
  'listed, denied': denyListed(listed, lost),
} as const;

function made<D extends Device>(device: D | undefined): D {
  if (device === undefined) throw new Error('expected a legal move');
  return device;
}

describe('a quarantine', () => {
  test('keeps owner, epoch, proof and certificate, counts one version and is pending at the broker', () => {
    const { registeredAt: _gone, ...kept } = registered;
    expect(ended['registered, restricted']).toEqual({
      ...kept,
      state: 'quarantined',
      version: 3,
      level: 'restricted',
      from: 'registered',
      cause: 'investigation',
      quarantinedAt: LATER,
      brokerPending: LATER,
    });
  });

  test('remembers what the device was first, also when it is cut after it was restricted', () => {
    expect(ended['registered, restricted and then cut']).toMatchObject({
      level: 'cut',
      from: 'registered',
      version: 4,
    });
    expect(ended['owned, cut']).toMatchObject({ level: 'cut', from: 'owned' });
  });

  test('is never lifted in part: from cut to restricted is no move, nor the same level again, nor out of denial', () => {
    expect(quarantine(ended['registered, cut'], restrict)).toBeUndefined();
    expect(quarantine(ended['registered, cut'], cut)).toBeUndefined();
    expect(quarantine(ended['registered, restricted'], restrict)).toBeUndefined();
    expect(quarantine(ended['owned, denied'], cut)).toBeUndefined();
  });

  test('and a denial remember when the broker was last seen to match', () => {
    expect([ended['registered, cut'], ended['registered, aligned, denied']].map(({ alignedAt }) => alignedAt)).toEqual([
      LATER,
      LATER,
    ]);
    expect('alignedAt' in ended['owned, denied']).toBe(false);
  });
});

describe('a denial', () => {
  test('keeps owner, epoch and certificate, forgets how ownership was shown, and is pending at the broker', () => {
    const { proof: _gone, ...kept } = owned;
    const wanted = { state: 'denied', version: 2, cause: 'lost', deniedAt: LATER, brokerPending: LATER };
    expect(ended['owned, denied']).toEqual({ ...kept, ...wanted });
  });

  test('of a device that nobody owns has neither owner nor epoch', () => {
    expect(ended['listed, denied']).toEqual({
      ...listed,
      state: 'denied',
      version: 1,
      epoch: 0,
      cause: 'lost',
      deniedAt: LATER,
      brokerPending: LATER,
    });
  });

  test('T050 is final: no move leads out of it', () => {
    for (const device of [ended['owned, denied'], ended['listed, denied']]) {
      expect(deny(device, lost)).toBeUndefined();
      expect(quarantine(device, restrict)).toBeUndefined();
    }
    expect(MOVES.filter(({ from }) => from === 'denied')).toEqual([]);
  });
});

describe('the broker shows', () => {
  const active = { factoryCertificate: 'active', policy: 'registration' };
  const shown: [string, Device, object][] = [
    ['nothing of an owned device that brings its certificate by itself', owned, { factoryCertificate: 'absent' }],
    ['an owned device whose certificate was registered beforehand', beforehand, active],
    ['a registered device', registered, active],
    ['a registered device of the path registered', register(beforehand, LATER), active],
    ['a device that was restricted after it was admitted', ended['registered, restricted'], active],
    ['a device closed that was restricted before', ended['owned, restricted'], { factoryCertificate: 'inactive' }],
    [
      'a device of the path registered closed that was restricted before its first connect',
      ended['of the path registered, restricted before its first connect'],
      { factoryCertificate: 'inactive' },
    ],
    ['a cut as INACTIVE, never REVOKED', ended['registered, cut'], { factoryCertificate: 'inactive' }],
    ['a denied device as revoked', ended['registered, aligned, denied'], { factoryCertificate: 'revoked' }],
    ['a denied device that nobody owned as revoked', ended['listed, denied'], { factoryCertificate: 'revoked' }],
  ];

  test.each(shown)('%s', (_title, device, projection) => {
    expect(projectionOf(device)).toEqual(projection);
  });

  test('a device as admitted that is ACTIVE because of a first connect, and no other', () => {
    const admitted: Device[] = [registered, register(beforehand, LATER), ended['registered, restricted']];
    const others = [owned, beforehand, ...Object.values(ended).filter((device) => !admitted.includes(device))];
    expect(admitted.map(isAdmitted)).toEqual([true, true, true]);
    expect(others.filter(isAdmitted)).toEqual([]);
  });

  test('each state by its own question only', () => {
    const all = [owned, registered, ended['owned, cut'], ended['owned, denied']];
    const questions = [isOwned, isRegistered, isQuarantined, isDenied];
    for (const [own, ask] of questions.entries())
      expect(all.map(ask)).toEqual(all.map((_device, index) => index === own));
  });
});

describe('a row', () => {
  test.each(Object.entries(ended))('%s: comes back as it was', (_title, device) => {
    expect(parseDevice(JSON.parse(JSON.stringify(device)) as Record<string, unknown>)).toEqual(device);
  });

  const misread: [string, Device, object][] = [
    ['a level that is none', ended['registered, cut'], { level: 'open' }],
    ['a state before that is none', ended['registered, cut'], { from: 'denied' }],
    ['a cause in free text', ended['registered, cut'], { cause: 'pump of room 7' }],
    ['no time of its quarantine', ended['registered, cut'], { quarantinedAt: undefined }],
    ['no owner in quarantine', ended['registered, cut'], { owner: undefined }],
    ['a denial in free text', ended['owned, denied'], { cause: 'stolen from room 7' }],
    ['no time of its denial', ended['owned, denied'], { deniedAt: undefined }],
    ['an owner and no epoch', ended['owned, denied'], { epoch: 0 }],
    ['an owner that is empty', ended['owned, denied'], { owner: '' }],
  ];

  test.each(misread)('takes a row with %s for a fault, never for a default', (_title, device, change) => {
    expect(() => parseDevice({ ...device, ...change })).toThrow(Fault);
  });
});
