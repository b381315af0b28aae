// May this device be admitted? The decision at first connect, pure (blueprint step 2).
import type { VerifiedCertificate } from '../identity/factory-certificate.ts';
import {
  isAdmitted,
  isDenied,
  isOperational,
  isOwned,
  isQuarantined,
  isRetired,
  type Device,
  type OperationalDevice,
  type OwnedDevice,
  type RegisteredDevice,
} from '../lifecycle.ts';
import { register, reset } from '../lifecycle-moves.ts';
import { done, refused, type Outcome, type Refused } from '../outcome.ts';
import { isHeld, type Listing } from './listing.ts';

export type Admission =
  | { readonly verdict: 'admitted'; readonly device: RegisteredDevice }
  /** The same certificate was admitted before; the broker asks again because it is still closed there. */
  | { readonly verdict: 'repeated'; readonly device: Device }
  /** It has a certificate of its owner's, and comes with the factory's again. */
  | { readonly verdict: 'returned'; readonly device: OperationalDevice };

export interface Return {
  readonly now: string;
  /** What its owner wishes where the operational certificate has expired. */
  readonly onExpiry: 'refuse' | 'reset';
  /** Whether a session over the operational certificate is open. */
  readonly live: boolean;
}

/**
 * A spent factory certificate begins anew only inside an open window, or by its owner's wish after the operational one has
 * expired; and never beside a session that shows the device alive elsewhere (T075, T086).
 */
export function decideReturn(device: OperationalDevice, { now, onExpiry, live }: Return): Outcome<OwnedDevice> {
  const { window, current, id, operationalAt } = device;
  const at = Date.parse(now);
  const open = window !== undefined && Date.parse(window.opens) <= at && at < Date.parse(window.closes);
  const expired = onExpiry === 'reset' && Date.parse(current.notAfter) < at;
  if ((open || expired) && !live) return done(reset(device, now));
  return refused({ reason: 'factory-certificate-consumed', device: id, operationalAt });
}

/** What ends a device for good; asked before anything else, so that no stale list or clock makes it less final (T050). */
export function findDenial(device: Device | undefined): Refused | undefined {
  if (device === undefined) return undefined;
  const { id } = device;
  if (isRetired(device)) return refused({ reason: 'retired', device: id, retiredAt: device.retiredAt });
  return isDenied(device) ? refused({ reason: 'denied', device: id, deniedAt: device.deniedAt }) : undefined;
}

/** `device` is the row of the listing's device; absent means that nobody owns it, and nobody is admitted to nothing. */
export function decideAdmission(
  certificate: VerifiedCertificate,
  listing: Listing,
  device: Device | undefined,
  now: string,
): Outcome<Admission> {
  const standing = findDenial(device) ?? findQuarantine(device);
  if (standing !== undefined) return standing;
  // Over-produced until two people say otherwise, whatever else is true of it (T014).
  if (isHeld(listing)) return refused({ reason: 'listing-held', device: listing.device });
  if (device === undefined) return refused({ reason: 'not-owned', device: listing.device });
  // One id has one listed key: a device row of another certificate would be somebody else's device.
  if (device.factoryCertificate !== certificate.certificateId) {
    return refused({ reason: 'not-listed', certificateId: certificate.certificateId });
  }
  if (isOperational(device)) return done({ verdict: 'returned', device });
  if (!isOwned(device)) return done({ verdict: 'repeated', device });
  return done({ verdict: 'admitted', device: register(device, now) });
}

/** One that may go on publishing was admitted before: the broker has only lost it. */
function findQuarantine(device: Device | undefined): Refused | undefined {
  if (device === undefined || !isQuarantined(device) || isAdmitted(device)) return undefined;
  return refused({ reason: 'quarantined', device: device.id, level: device.level });
}
