// Is this the listed factory certificate, under the authority it was listed with, valid and not taken back? (blueprint step 2)
import { done, refused, type Outcome, type Refused } from '../outcome.ts';
import { findRevocation, type ChainLink, type LinkState } from './revocation.ts';

declare const proof: unique symbol;

/** Proof that a certificate presented to the broker equals its listing and may be used at the time of the check. */
export interface VerifiedCertificate {
  readonly certificateId: string;
  readonly [proof]: 'VerifiedCertificate';
}

export interface PresentedCertificate {
  /** As the broker reported it: SHA-256 of the DER, so that equality with the listing pins the key. */
  readonly certificateId: string;
  /** The authority under which the broker took it in; absent for one that we registered with the broker ourselves. */
  readonly authority?: { readonly id: string; readonly known: Authority | undefined };
}

/** A manufacturer CA registered with the broker. */
export interface Authority {
  readonly fingerprint: string;
  readonly manufacturer: string;
}

/** What the whitelist remembers of the certificate; the signatures of its chain were verified on import. */
export interface ListedCertificate {
  readonly fingerprint: string;
  /** The anchor that ends the chain. */
  readonly issuer: string;
  readonly path: 'jitr' | 'registered';
  /** The certificate itself first, then its issuers below the anchor. */
  readonly chain: readonly ChainLink[];
}

export interface CertificateCheck {
  /** What the manufacturer's revocation lists say of the chain. */
  readonly states: readonly LinkState[];
  readonly listsRequired: boolean;
  readonly now: string;
}

/** `listed` was found under the presented certificateId; the comparison here keeps that from being an assumption. */
export function verifyFactoryCertificate(
  presented: PresentedCertificate,
  listed: ListedCertificate,
  { states, listsRequired, now }: CertificateCheck,
): Outcome<VerifiedCertificate> {
  const { certificateId } = presented;
  if (certificateId !== listed.fingerprint) return refused({ reason: 'not-listed', certificateId });
  const problem =
    findForeignAuthority(presented, listed) ??
    findRevocation({ states, required: listsRequired, now }) ??
    findOutsideValidity(listed.chain, now);
  return problem ?? done({ certificateId } as VerifiedCertificate);
}

/** An event that names a CA of somebody else (T041), or another one of ours than the listing was checked against. */
function findForeignAuthority({ authority }: PresentedCertificate, { issuer, path }: ListedCertificate) {
  if (authority === undefined) {
    // Only what we registered ourselves may come without one.
    return path === 'registered' ? undefined : refused({ reason: 'authority-unknown', authority: 'none' });
  }
  if (authority.known === undefined) return refused({ reason: 'authority-unknown', authority: authority.id });
  const { fingerprint } = authority.known;
  return fingerprint === issuer
    ? undefined
    : refused({ reason: 'authority-differs', expected: issuer, got: fingerprint });
}

/** RFC 5280 4.1.2.5: both ends of the validity period are inclusive (T029). A time that cannot be read is outside. */
function findOutsideValidity([own, ...issuers]: readonly ChainLink[], now: string): Refused | undefined {
  const [time, notBefore, notAfter] = [now, own?.notBefore ?? '', own?.notAfter ?? ''].map(Date.parse) as [
    number,
    number,
    number,
  ];
  if (!(time >= notBefore))
    return refused({ reason: 'certificate-not-yet-valid', notBefore: own?.notBefore ?? '', now });
  if (!(time <= notAfter)) return refused({ reason: 'certificate-expired', notAfter: own?.notAfter ?? '', now });
  const outside = issuers.find((link) => !(time >= Date.parse(link.notBefore) && time <= Date.parse(link.notAfter)));
  if (outside === undefined) return undefined;
  const { serial, notBefore: from, notAfter: until } = outside;
  return refused({ reason: 'issuer-not-valid', issuer: serial, notBefore: from, notAfter: until, now });
}
