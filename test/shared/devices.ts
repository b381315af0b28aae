// Which devices do the tests of the lifecycle speak of? One way into each state, and each optional member at least once.
import {
  claim,
  confirm,
  deny,
  denyListed,
  markAligned,
  markPending,
  offer,
  openWindow,
  place,
  quarantine,
  register,
  retire,
} from '../../shared/lifecycle-moves.ts';
import type { Device, OperationalCertificate, OwnedDevice } from '../../shared/lifecycle.ts';

export const NOW = '2026-11-24T12:00:00.000Z';
export const LATER = '2026-11-24T12:00:05.000Z';

export const LISTED = {
  id: 'acme-A1',
  manufacturer: 'acme',
  path: 'jitr',
  factoryCertificate: 'a'.repeat(64),
} as const;

/** `b`, `c`, …: each letter is a certificate of its own. */
export function issued(letter: string): OperationalCertificate {
  return {
    certificateId: letter.repeat(64),
    issuer: 'e'.repeat(64),
    serial: letter.repeat(16),
    issuedAt: NOW,
    renewFrom: '2026-12-14T12:00:00.000Z',
    notAfter: '2026-12-24T12:00:00.000Z',
  };
}

export const WINDOW = { opens: NOW, closes: '2026-11-24T16:00:00.000Z' } as const;
export const RESTRICT = { level: 'restricted', cause: 'investigation', now: LATER } as const;
export const CUT = { level: 'cut', cause: 'compromised', now: LATER } as const;
export const LOST = { cause: 'lost', now: LATER } as const;
export const ENDED = { cause: 'end-of-life', now: LATER } as const;

export const owned: OwnedDevice = claim({ ...LISTED, owner: 'clinic', now: NOW });
export const registered = register(owned, LATER);
export const offered = offer(registered, issued('b'), LATER);
export const operational = confirm(offered, issued('b'), LATER);
export const renewing = offer(operational, issued('c'), LATER);
export const chip: OwnedDevice = { ...owned, path: 'registered' };
export const chipAtWork = confirm(offer(register(chip, LATER), issued('b'), LATER), issued('b'), LATER);

export const quarantined = {
  'restricted before its first connect': made(quarantine(owned, RESTRICT)),
  'cut before its first connect': made(quarantine(owned, CUT)),
  'restricted after it was admitted': made(quarantine(registered, RESTRICT)),
  'cut after it was admitted': made(quarantine(markAligned(registered, LATER), CUT)),
  'restricted and then cut': made(quarantine(made(quarantine(registered, RESTRICT)), CUT)),
  'restricted while it was offered a certificate': made(quarantine(offered, RESTRICT)),
  'restricted at work': made(quarantine(operational, RESTRICT)),
  'cut at work': made(quarantine(operational, CUT)),
  'restricted at work and then cut': made(quarantine(made(quarantine(operational, RESTRICT)), CUT)),
  'restricted while it renewed': made(quarantine(openWindow(renewing, WINDOW), RESTRICT)),
  'a chip restricted before its first connect': made(quarantine(chip, RESTRICT)),
  'a chip restricted at work': made(quarantine(chipAtWork, RESTRICT)),
  'a chip cut at work': made(quarantine(chipAtWork, CUT)),
} as const;

export const denied = {
  'denied before its first connect': made(deny(owned, LOST)),
  'denied after it was admitted': made(deny(markAligned(registered, LATER), LOST)),
  'denied at work': made(deny(renewing, LOST)),
  'denied in quarantine': made(deny(quarantined['cut at work'], LOST)),
  'denied after it was retired': made(deny(made(retire(owned, ENDED)), LOST)),
  'denied where it was placed': made(deny(made(place(owned, 'ward-7')), LOST)),
  'denied while it was only listed': denyListed(LISTED, LOST),
} as const;

export const retired = {
  'retired before its first connect': made(retire(owned, ENDED)),
  'retired after it was admitted': made(retire(markAligned(registered, LATER), ENDED)),
  'retired at work': made(retire(openWindow(renewing, WINDOW), ENDED)),
  'retired in quarantine': made(retire(quarantined['restricted at work'], ENDED)),
  'retired where it was placed': made(retire(made(place(operational, 'ward-7')), ENDED)),
} as const;

/** By what became of each. */
export const DEVICES: Readonly<Record<string, Device>> = {
  owned,
  'owned and aligned': markAligned(owned, LATER),
  'owned and placed': made(place(owned, 'ward-7')),
  'an owned chip': chip,
  registered,
  'registered and aligned': markAligned(registered, LATER),
  'registered, aligned and pending again': markPending(markAligned(registered, LATER), LATER),
  'registered and offered a certificate': offered,
  'a registered chip': register(chip, LATER),
  operational,
  'operational, and offered the next certificate': renewing,
  'operational in an open window': openWindow(operational, WINDOW),
  'operational with everything': made(place(markAligned(openWindow(renewing, WINDOW), LATER), 'ward-7')),
  'a chip at work': chipAtWork,
  ...quarantined,
  ...denied,
  ...retired,
};

export function made<D extends Device>(device: D | undefined): D {
  if (device === undefined) throw new Error('expected a legal move');
  return device;
}

/** As a row comes back from the store. */
export function stored(device: Device): Record<string, unknown> {
  return JSON.parse(JSON.stringify(device)) as Record<string, unknown>;
}
