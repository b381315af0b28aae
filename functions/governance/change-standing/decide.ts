// What becomes of a device that this deployment knows? By the table of moves, pure.
import {
  isDenied,
  isOperational,
  isQuarantined,
  isRetired,
  type Device,
  type OperationalDevice,
} from '../../../shared/lifecycle.ts';
import { deny, openWindow, place, quarantine, retire } from '../../../shared/lifecycle-moves.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import type { OpenWindow, StandingAct } from './act.ts';

/** The device as it is to be; the very same one when the act changes nothing. */
export function decideKnown(act: StandingAct, present: Device, now: string): Outcome<Device> {
  if (act.kind === 'deny') return done(deny(present, { cause: act.cause, now }) ?? present);
  const { id: device } = present;
  // Final is final, for every other act.
  if (isDenied(present)) return refused({ reason: 'denied', device, deniedAt: present.deniedAt });
  if (isRetired(present)) {
    if (act.kind === 'retire') return done(present);
    return refused({ reason: 'retired', device, retiredAt: present.retiredAt });
  }
  switch (act.kind) {
    case 'retire':
      return done(retire(present, { cause: act.cause, now }) ?? present);
    case 'place':
      return done(place(present, act.ward) ?? present);
    case 'open-window':
      return decideWindow(present, act, now);
    case 'quarantine': {
      if (isQuarantined(present) && present.level === act.level) return done(present);
      const next = quarantine(present, { level: act.level, cause: act.cause, now });
      // From `cut` back to `restricted` would lift a part of it, and one person lifts nothing.
      return next === undefined ? refused({ reason: 'quarantined', device, level: 'cut' }) : done(next);
    }
  }
}

/** Only a device with a certificate of its owner's has something to begin anew from. */
function decideWindow(present: Device, { hours }: OpenWindow, now: string): Outcome<OperationalDevice> {
  const { id: device, path } = present;
  if (isQuarantined(present)) return refused({ reason: 'quarantined', device, level: present.level });
  if (!isOperational(present)) return refused({ reason: 'window-unusable', device, state: present.state });
  // Its factory certificate is off at the broker, and no connect of it can be heard.
  if (path === 'registered') return refused({ reason: 'window-unusable', device, state: 'registered beforehand' });
  const closes = new Date(Date.parse(now) + hours * 3_600_000).toISOString();
  return done(openWindow(present, { opens: now, closes }));
}
