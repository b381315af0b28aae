// Under which of a manufacturer's own authorities does this device stand? From its certificate up to an anchor.
import { checkKey } from '../../identity/acceptable-key.ts';
import type { Anchor, AnchorPurpose } from '../../identity/anchor.ts';
import { isIssuedBy, type Certificate } from '../../identity/certificate.ts';
import { done, refused, type Outcome } from '../../outcome.ts';

export interface Path {
  readonly certificate: Certificate;
  /** Issuers that the manifest brings, the leaf's issuer first; not trusted. */
  readonly chain: readonly Certificate[];
}

/**
 * The anchor that issued the certificate, or one of the issuers in between: at most three links, in the order of the
 * manifest, each by a certificate authority. A signer may vouch for keys, not for other people's authorities.
 */
export function findAnchor(
  { certificate, chain }: Path,
  anchors: readonly Anchor[],
  manufacturer: string,
): Outcome<Anchor> {
  const own = anchors.filter((anchor) => ISSUES.has(anchor.purpose) && anchor.manufacturer === manufacturer);
  let subject = certificate;
  for (let link = 1; link <= MOST_LINKS; link += 1) {
    const anchor = own.find((candidate) => issued(subject, candidate.certificate));
    if (anchor !== undefined) return done(anchor);
    const issuer = chain[link - 1];
    if (issuer === undefined || !issued(subject, issuer)) break;
    subject = issuer;
  }
  return refused({ reason: 'issuer-unknown', manufacturer });
}

/** A signature by a key that anybody can find proves nothing (T017). */
function issued(subject: Certificate, issuer: Certificate): boolean {
  return isIssuedBy(subject, issuer) && checkKey(issuer).outcome === 'done';
}

const ISSUES: ReadonlySet<AnchorPurpose> = new Set(['authority', 'root'] as const);
const MOST_LINKS = 3;
