// When may a spent factory certificate begin anew? Inside an open window, or by its owner's wish after expiry; never beside a
// session that shows the device alive elsewhere.
import { describe, expect, test } from 'vitest';

import { isOwned, type OperationalDevice } from '../../../shared/lifecycle.ts';
import { openWindow } from '../../../shared/lifecycle-moves.ts';
import { REASONS } from '../../../shared/reasons.ts';
import { decideReturn, type Return } from '../../../shared/whitelist/admit.ts';
import { operational, WINDOW } from '../devices.ts';

const open = openWindow(operational, WINDOW);
const EXPIRY = operational.current.notAfter;

/** Inside the window, before expiry, by the default wish, and nobody connected. */
const INSIDE: Return = { now: '2026-11-24T13:00:00.000Z', onExpiry: 'refuse', live: false };

function answer(device: OperationalDevice, changes: Partial<Return> = {}): string {
  const outcome = decideReturn(device, { ...INSIDE, ...changes });
  if (outcome.outcome === 'refused') return outcome.refusal.reason;
  expect(isOwned(outcome.value)).toBe(true);
  expect(outcome.value).toMatchObject({ epoch: device.epoch, version: device.version + 1 });
  return 'begins anew';
}

describe('a device with a certificate of its owner’s', () => {
  test.each([
    ['from the first moment of its window', WINDOW.opens],
    ['inside its window', INSIDE.now],
    ['until the last moment before it closes', '2026-11-24T15:59:59.999Z'],
  ])('begins anew %s', (_title, now) => {
    expect(answer(open, { now })).toBe('begins anew');
  });

  test.each([
    ['before its window opens', '2026-11-24T11:59:59.999Z'],
    ['at the moment its window closes', WINDOW.closes],
    ['after its window', '2026-11-25T12:00:00.000Z'],
  ])('T075 is refused %s', (_title, now) => {
    expect(answer(open, { now })).toBe('factory-certificate-consumed');
  });

  test('T075 is refused where no window was ever opened, by its id and since when it is at work', () => {
    expect(decideReturn(operational, INSIDE)).toEqual({
      outcome: 'refused',
      refusal: {
        reason: 'factory-certificate-consumed',
        device: operational.id,
        operationalAt: operational.operationalAt,
      },
    });
    // Curable: a window may be opened later, and the certificate asks again.
    expect(REASONS['factory-certificate-consumed'].kind).toBe('curable');
  });

  test.each([
    ['a moment after its certificate has expired', 'reset', '2026-12-24T12:00:00.001Z', 'begins anew'],
    ['at the last moment of its certificate', 'reset', EXPIRY, 'factory-certificate-consumed'],
    [
      'long after, where its owner did not wish it',
      'refuse',
      '2027-06-01T00:00:00.000Z',
      'factory-certificate-consumed',
    ],
  ] as const)('T086 %s: by the wish "%s"', (_title, onExpiry, now, expected) => {
    expect(answer(operational, { onExpiry, now })).toBe(expected);
  });

  test('T075 never begins anew beside a session over its certificate, whatever else is true', () => {
    expect(answer(open, { live: true })).toBe('factory-certificate-consumed');
    expect(answer(operational, { live: true, onExpiry: 'reset', now: '2027-06-01T00:00:00.000Z' })).toBe(
      'factory-certificate-consumed',
    );
  });

  test.each([
    { opens: 'soon', closes: WINDOW.closes },
    { opens: WINDOW.opens, closes: 'never' },
  ])('is refused in a window whose times nobody can read: %j', (window) => {
    expect(answer(openWindow(operational, window))).toBe('factory-certificate-consumed');
  });
});
