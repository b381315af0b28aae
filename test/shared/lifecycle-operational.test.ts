// Which certificates of its owner's does a device hold, and which has a move ended?
import { describe, expect, test } from 'vitest';

import {
  endedBetween,
  operationalOf,
  projectionOf,
  type Device,
  type OperationalCertificate,
} from '../../shared/lifecycle.ts';
import { confirm, lift, offer, openWindow, place, reset, touch } from '../../shared/lifecycle-moves.ts';
import {
  chip,
  chipAtWork,
  denied,
  DEVICES,
  issued,
  LATER,
  made,
  offered,
  operational,
  owned,
  quarantined,
  registered,
  renewing,
  retired,
  WINDOW,
} from './devices.ts';

const [B, C, D] = [issued('b'), issued('c'), issued('d')];

describe('an offer', () => {
  test('changes nothing but what is offered, counts one version and is pending at the broker', () => {
    expect(offered).toEqual({ ...registered, version: 3, offered: B, brokerPending: LATER });
    expect(renewing).toEqual({ ...operational, version: 5, offered: C, brokerPending: LATER });
  });

  test('takes the place of the one before, which has ended', () => {
    const next = offer(offered, C, LATER);
    expect(next.offered).toEqual(C);
    expect(endedBetween(offered, next)).toEqual([B]);
  });
});

describe('a confirmation', () => {
  test('makes the device operational, with the offered certificate as its only one', () => {
    const { offered: _confirmed, ...kept } = offered;
    expect(operational).toEqual({
      ...kept,
      state: 'operational',
      version: 4,
      operationalAt: LATER,
      current: B,
      brokerPending: LATER,
    });
  });

  test('ends the certificate that it replaces, and keeps since when the device is known', () => {
    const next = confirm(renewing, C, '2026-12-20T12:00:00.000Z');
    expect(next).toMatchObject({ current: C, registeredAt: LATER, operationalAt: '2026-12-20T12:00:00.000Z' });
    expect('offered' in next).toBe(false);
    expect(endedBetween(renewing, next)).toEqual([B]);
  });

  test('closes no window that was opened for the device', () => {
    expect(confirm(openWindow(renewing, WINDOW), C, LATER).window).toEqual(WINDOW);
    expect('window' in confirm(renewing, C, LATER)).toBe(false);
  });
});

describe('a reset', () => {
  test('leaves an owned device of the same epoch, without certificate, window and registration', () => {
    const next = reset(openWindow(renewing, WINDOW), LATER);
    expect(next).toEqual({ ...owned, version: 7, brokerPending: LATER });
    expect(endedBetween(renewing, next)).toEqual([B, C]);
  });
});

describe('a lift', () => {
  test.each(Object.entries(quarantined))(
    '%s: leaves an owned device of the next epoch, and nothing of before',
    (_t, device) => {
      const next = lift(device, LATER);
      expect(next).toEqual({
        ...(device.path === 'jitr' ? owned : chip),
        version: device.version + 1,
        epoch: 2,
        brokerPending: LATER,
        ...('alignedAt' in device ? { alignedAt: device.alignedAt } : {}),
      });
      expect(endedBetween(device, next)).toEqual(operationalOf(device).map(({ certificate }) => certificate));
    },
  );
});

describe('the broker shows of the owner’s certificates', () => {
  const active = (...certificates: readonly OperationalCertificate[]) =>
    certificates.map((certificate) => ({ certificate, status: 'active' }));
  const shown: [string, readonly object[]][] = [
    ['owned', []],
    ['registered', []],
    ['registered and offered a certificate', active(B)],
    ['operational', active(B)],
    ['operational, and offered the next certificate', active(B, C)],
    ['operational in an open window', active(B)],
    ['restricted while it was offered a certificate', []],
    ['restricted at work', active(B)],
    ['restricted while it renewed', active(B)],
    ['cut at work', [{ certificate: B, status: 'inactive' }]],
    ['restricted at work and then cut', [{ certificate: B, status: 'inactive' }]],
    ['cut after it was admitted', []],
    ['denied at work', []],
    ['retired at work', []],
    ['retired in quarantine', []],
  ];

  test.each(shown)('%s: %j', (title, projections) => {
    expect(operationalOf(made(DEVICES[title]))).toEqual(projections);
  });
});

describe('the factory certificate', () => {
  test.each(Object.entries({ operational, renewing, 'restricted at work': quarantined['restricted at work'] }))(
    '%s: is spent and gone, so that any later use of it is seen',
    (_title, device) => {
      expect(projectionOf(device)).toEqual({ factoryCertificate: 'absent' });
    },
  );

  test.each(
    Object.entries({
      'a chip at work': chipAtWork,
      'a chip restricted at work': quarantined['a chip restricted at work'],
      'a chip cut at work': quarantined['a chip cut at work'],
    }),
  )('%s: is spent and closed, because it could not come back', (_title, device) => {
    expect(projectionOf(device)).toEqual({ factoryCertificate: 'inactive' });
  });
});

describe('between two rows', () => {
  const ended: [string, Device | undefined, Device, readonly OperationalCertificate[]][] = [
    ['that is the first', undefined, operational, []],
    ['that offer one', registered, offered, []],
    ['that confirm the offered one', offered, operational, []],
    ['that offer the next one', operational, renewing, []],
    ['that confirm the next one', renewing, confirm(renewing, C, LATER), [B]],
    ['that confirm one out of nowhere', renewing, confirm(renewing, D, LATER), [B, C]],
    ['of which the later one is restricted', renewing, quarantined['restricted while it renewed'], [C]],
    ['of which the later one is cut', operational, quarantined['cut at work'], []],
    ['of which the later one is denied', renewing, denied['denied at work'], [B, C]],
    ['of which the later one is retired', renewing, retired['retired at work'], [B, C]],
    ['of which the later one was placed', renewing, made(place(renewing, 'ward-7')), []],
    ['of which the later one was touched', renewing, touch(renewing), []],
  ];

  test.each(ended)('%s, those end that the later one does not hold', (_title, previous, next, certificates) => {
    expect(endedBetween(previous, next)).toEqual(certificates);
  });
});
