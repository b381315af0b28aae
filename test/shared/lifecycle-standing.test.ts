// What becomes of a device whose standing is taken away, what does the broker show of it, and is there a way back?
import { describe, expect, test } from 'vitest';

import { isAdmitted, MOVES, projectionOf, STANDING_CAUSES } from '../../shared/lifecycle.ts';
import { deny, openWindow, quarantine, register, retire } from '../../shared/lifecycle-moves.ts';
import {
  chip,
  CUT,
  denied,
  DEVICES,
  ENDED,
  issued,
  LATER,
  LISTED,
  LOST,
  made,
  operational,
  owned,
  quarantined,
  registered,
  renewing,
  RESTRICT,
  retired,
  WINDOW,
} from './devices.ts';

describe('a quarantine', () => {
  test('keeps owner, epoch, proof and certificate, counts one version and is pending at the broker', () => {
    const { registeredAt: _gone, ...kept } = registered;
    expect(quarantined['restricted after it was admitted']).toEqual({
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
    expect(quarantined['restricted and then cut']).toMatchObject({
      level: 'cut',
      from: 'registered',
      version: 4,
    });
    expect(quarantined['cut before its first connect']).toMatchObject({ level: 'cut', from: 'owned' });
  });

  test('is never lifted in part: from cut to restricted is no move, nor the same level again, nor out of denial', () => {
    expect(quarantine(quarantined['cut after it was admitted'], RESTRICT)).toBeUndefined();
    expect(quarantine(quarantined['cut after it was admitted'], CUT)).toBeUndefined();
    expect(quarantine(quarantined['restricted after it was admitted'], RESTRICT)).toBeUndefined();
    expect(quarantine(denied['denied before its first connect'], CUT)).toBeUndefined();
  });

  test.each(STANDING_CAUSES)(
    'for a clone stays one when the device is cut for %s: its key is under suspicion',
    (cause) => {
      const suspected = made(quarantine(operational, { ...RESTRICT, cause: 'clone' }));
      expect(quarantine(suspected, { ...CUT, cause })).toMatchObject({ level: 'cut', cause: 'clone' });
      const other = made(quarantine(operational, RESTRICT));
      expect(quarantine(other, { ...CUT, cause })).toMatchObject({ level: 'cut', cause });
    },
  );

  test('of a device at work keeps the certificate that it goes on with, and ends what was only offered', () => {
    const { registeredAt: _registered, operationalAt: _operational, offered: _offered, ...kept } = renewing;
    expect(quarantine(openWindow(renewing, WINDOW), RESTRICT)).toEqual({
      ...kept,
      state: 'quarantined',
      version: 7,
      level: 'restricted',
      from: 'operational',
      cause: 'investigation',
      quarantinedAt: LATER,
      brokerPending: LATER,
    });
    expect(quarantined['restricted at work and then cut']).toMatchObject({ from: 'operational', current: issued('b') });
    expect('offered' in quarantined['restricted while it was offered a certificate']).toBe(false);
  });

  test('and a denial remember when the broker was last seen to match', () => {
    expect(
      [quarantined['cut after it was admitted'], denied['denied after it was admitted']].map(
        ({ alignedAt }) => alignedAt,
      ),
    ).toEqual([LATER, LATER]);
    expect('alignedAt' in denied['denied before its first connect']).toBe(false);
  });
});

describe('a denial', () => {
  test('keeps owner, epoch and certificate, forgets how ownership was shown, and is pending at the broker', () => {
    const { proof: _gone, ...kept } = owned;
    const wanted = { state: 'denied', version: 2, cause: 'lost', deniedAt: LATER, brokerPending: LATER };
    expect(denied['denied before its first connect']).toEqual({ ...kept, ...wanted });
  });

  test('of a device that nobody owns has neither owner nor epoch', () => {
    expect(denied['denied while it was only listed']).toEqual({
      ...LISTED,
      state: 'denied',
      version: 1,
      epoch: 0,
      cause: 'lost',
      deniedAt: LATER,
      brokerPending: LATER,
    });
  });

  test.each(Object.entries(denied))('T050 is final, %s: no move leads out of it', (_title, device) => {
    expect(deny(device, LOST)).toBeUndefined();
    expect(retire(device, ENDED)).toBeUndefined();
    expect(quarantine(device, RESTRICT)).toBeUndefined();
    expect(quarantine(device, CUT)).toBeUndefined();
  });

  test('T050 is final: the table knows no move out of it', () => {
    expect(MOVES.filter(({ from }) => from === 'denied')).toEqual([]);
  });
});

describe('a retirement', () => {
  test('keeps owner, epoch and certificate, forgets how ownership was shown, and is pending at the broker', () => {
    const { proof: _gone, ...kept } = owned;
    const wanted = { state: 'retired', version: 2, cause: 'end-of-life', retiredAt: LATER, brokerPending: LATER };
    expect(retired['retired before its first connect']).toEqual({ ...kept, ...wanted });
  });

  test.each(Object.entries(retired))(
    'is final, %s: no move leads out of it but denial, which is more',
    (_title, device) => {
      expect(retire(device, ENDED)).toBeUndefined();
      expect(quarantine(device, RESTRICT)).toBeUndefined();
      expect(quarantine(device, CUT)).toBeUndefined();
      expect(deny(device, LOST)).toMatchObject({ state: 'denied', cause: 'lost', version: device.version + 1 });
    },
  );

  test('is final: the table knows no move out of it but denial', () => {
    expect(MOVES.filter(({ from }) => from === 'retired').map(({ to }) => to)).toEqual(['denied']);
  });
});

describe('the broker shows', () => {
  const active = { factoryCertificate: 'active', policy: 'registration' };
  const [absent, inactive, revoked] = (['absent', 'inactive', 'revoked'] as const).map((factoryCertificate) => ({
    factoryCertificate,
  }));
  /** Each device of the table, by what becomes of its factory certificate. */
  const shown: Readonly<Record<string, object | undefined>> = {
    // One that brings its certificate by itself comes in afresh; a chip's could not come back.
    owned: absent,
    'owned and aligned': absent,
    'owned and placed': absent,
    'an owned chip': active,
    registered: active,
    'registered and aligned': active,
    'registered, aligned and pending again': active,
    'registered and offered a certificate': active,
    'a registered chip': active,
    operational: absent,
    'operational, and offered the next certificate': absent,
    'operational in an open window': absent,
    'operational with everything': absent,
    'a chip at work': inactive,
    // A cut is INACTIVE, never REVOKED: it can be lifted.
    'restricted before its first connect': inactive,
    'cut before its first connect': inactive,
    'restricted after it was admitted': active,
    'cut after it was admitted': inactive,
    'restricted and then cut': inactive,
    'restricted while it was offered a certificate': active,
    'restricted at work': absent,
    'cut at work': absent,
    'restricted at work and then cut': absent,
    'restricted while it renewed': absent,
    'a chip restricted before its first connect': inactive,
    'a chip restricted at work': inactive,
    'a chip cut at work': inactive,
    ...Object.fromEntries(Object.keys({ ...denied, ...retired }).map((title) => [title, revoked])),
  };

  test.each(Object.entries(DEVICES))('%s: its factory certificate', (title, device) => {
    expect(shown[title]).toBeDefined();
    expect(projectionOf(device)).toEqual(shown[title]);
  });

  test('a device as admitted that is ACTIVE because of a first connect, and no other', () => {
    const first = Object.entries(DEVICES).filter(
      ([title, device]) => shown[title] === active && device.state !== 'owned',
    );
    const admitted = Object.entries(DEVICES).filter(([, device]) => isAdmitted(device));
    expect(admitted.map(([title]) => title)).toEqual(first.map(([title]) => title));
    expect(admitted.length).toBeGreaterThan(0);
    expect(isAdmitted(register(chip, LATER))).toBe(true);
    expect(isAdmitted(chip)).toBe(false);
  });
});
