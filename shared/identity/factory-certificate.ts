// Is this the listed factory certificate, under the authority it was listed with, and valid now? (blueprint step 2)
import { done, refused, type Outcome } from '../outcome.ts';

declare const proof: unique symbol;

/** Proof that a certificate presented to the broker equals its listing and is valid at the time of the check. */
export interface VerifiedCertificate {
  readonly certificateId: string;
  readonly [proof]: 'VerifiedCertificate';
}

export interface PresentedCertificate {
  /** As the broker reported it: SHA-256 of the DER, so that equality with the listing pins the key. */
  readonly certificateId: string;
  /** The anchor behind the CA the broker named; undefined when we never registered that CA. */
  readonly authority: Authority | undefined;
  readonly authorityId: string;
}

/** A manufacturer CA registered with the broker. */
export interface Authority {
  readonly fingerprint: string;
  readonly manufacturer: string;
}

/** What the whitelist remembers of the certificate; its chain to `issuer` was verified on import. */
export interface ListedCertificate {
  readonly fingerprint: string;
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

/** `listed` was found under the presented certificateId; the comparison here keeps that from being an assumption. */
export function verifyFactoryCertificate(
  presented: PresentedCertificate,
  listed: ListedCertificate,
  now: string,
): Outcome<VerifiedCertificate> {
  const { certificateId, authority } = presented;
  if (certificateId !== listed.fingerprint) return refused({ reason: 'not-listed', certificateId });
  // An event that names a CA of somebody else (T041), or another one of ours than the listing was checked against.
  if (authority === undefined) return refused({ reason: 'authority-unknown', authority: presented.authorityId });
  if (authority.fingerprint !== listed.issuer) {
    return refused({ reason: 'authority-differs', expected: listed.issuer, got: authority.fingerprint });
  }
  // RFC 5280 4.1.2.5: both ends of the validity period are inclusive (T029). A time that cannot be read is outside.
  if (!(Date.parse(now) >= Date.parse(listed.notBefore))) {
    return refused({ reason: 'certificate-not-yet-valid', notBefore: listed.notBefore, now });
  }
  if (!(Date.parse(now) <= Date.parse(listed.notAfter))) {
    return refused({ reason: 'certificate-expired', notAfter: listed.notAfter, now });
  }
  return done({ certificateId } as VerifiedCertificate);
}
