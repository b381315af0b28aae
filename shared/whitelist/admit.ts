// May this device be admitted? The decision at first connect, pure (blueprint step 2).
import type { VerifiedCertificate } from '../identity/factory-certificate.ts';
import { isOwned, register, type Device, type RegisteredDevice } from '../lifecycle.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import { isHeld, type Listing } from './listing.ts';

export type Admission =
  | { readonly verdict: 'admitted'; readonly device: RegisteredDevice }
  /** The same certificate was admitted before; the broker asks again because it is still closed there. */
  | { readonly verdict: 'repeated'; readonly device: RegisteredDevice };

/** `device` is the row of the listing's device; absent means that nobody owns it, and nobody is admitted to nothing. */
export function decideAdmission(
  certificate: VerifiedCertificate,
  listing: Listing,
  device: Device | undefined,
  now: string,
): Outcome<Admission> {
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
