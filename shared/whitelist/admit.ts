// May this device be admitted? The decision at first connect, pure (blueprint step 2).
import type { VerifiedCertificate } from '../identity/factory-certificate.ts';
import {
  isAdmitted,
  isDenied,
  isOwned,
  isQuarantined,
  register,
  type Device,
  type RegisteredDevice,
} from '../lifecycle.ts';
import { done, refused, type Outcome, type Refused } from '../outcome.ts';
import { isHeld, type Listing } from './listing.ts';

export type Admission =
  | { readonly verdict: 'admitted'; readonly device: RegisteredDevice }
  /** The same certificate was admitted before; the broker asks again because it is still closed there. */
  | { readonly verdict: 'repeated'; readonly device: Device };

/** What ends a device for good; asked before anything else, so that no stale list or clock makes it less final (T050). */
export function findDenial(device: Device | undefined): Refused | undefined {
  if (device === undefined || !isDenied(device)) return undefined;
  return refused({ reason: 'denied', device: device.id, deniedAt: device.deniedAt });
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
  if (!isOwned(device)) return done({ verdict: 'repeated', device });
  return done({ verdict: 'admitted', device: register(device, now) });
}

/** One that may go on publishing was admitted before: the broker has only lost it. */
function findQuarantine(device: Device | undefined): Refused | undefined {
  if (device === undefined || !isQuarantined(device) || isAdmitted(device)) return undefined;
  return refused({ reason: 'quarantined', device: device.id, level: device.level });
}
