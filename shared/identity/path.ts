// Does a path lead from this certificate to somebody we trust? RFC 5280 6 in a fixed profile (README of this room):
// at most three certificates below an anchor, a bounded search, and a refusal that says which rule failed (blueprint step 2).
import { done, refused, type Outcome } from '../outcome.ts';
import type { Refusal } from '../reasons.ts';
import { checkKey } from './acceptable-key.ts';
import type { Certificate } from './certificate.ts';
import { findRevoked } from './path-revocation.ts';
import { checkIssuer, checkLeaf, type Link } from './path-rules.ts';
import {
  candidatesFor,
  miss,
  MOST_LINKS,
  openSearch,
  pathUnknown,
  STAGES,
  type PathQuestion,
  type Search,
} from './path-search.ts';
import { nameAlgorithm } from './signature.ts';
import { MOST_CHECKS } from './signature-checks.ts';

export type { Usage } from './path-rules.ts';
export type { PathQuestion } from './path-search.ts';

declare const proof: unique symbol;

/** Proof that a path of good links led to the anchor at the time of the question. */
export interface VerifiedPath {
  readonly leaf: Certificate;
  /** The leaf's issuer first, without the anchor. */
  readonly issuers: readonly Certificate[];
  readonly anchor: Certificate;
  readonly [proof]: 'VerifiedPath';
}

/** Refused: the reason of the path that came furthest. Whatever the bytes say, it neither throws nor searches for long. */
export function verifyPath(question: PathQuestion): Outcome<VerifiedPath> {
  const search = openSearch(question);
  if (search.outcome === 'refused') return search;
  const { leaf, asked } = search.value;
  const checked = checkLeaf(leaf, asked);
  if (checked.outcome === 'refused') return checked;
  return climb([leaf], search.value) ?? refused(search.value.furthest.refusal);
}

/** From the last certificate of the path upwards: to an anchor where one fits, else by an issuer that was brought. */
function climb(path: readonly Link[], search: Search): Outcome<VerifiedPath> | undefined {
  const [anchors, issuers] = [candidatesFor(path, search.anchors), candidatesFor(path, search.issuers)];
  if (anchors.length + issuers.length === 0) miss(search, path, STAGES.unknown, pathUnknown(path, search));
  for (const anchor of anchors) {
    const arrived = isIssuer(anchor, { path, trusted: true }, search) ? arrive(path, anchor, search) : undefined;
    if (arrived !== undefined) return arrived;
  }
  const between = path.length;
  if (issuers.length > 0 && between > search.mostBetween) {
    miss(search, path, STAGES.rules, { reason: 'path-too-long', most: search.mostBetween, got: between });
    return undefined;
  }
  for (const issuer of issuers) {
    const found = isIssuer(issuer, { path, trusted: false }, search) ? climb([...path, issuer], search) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Below {
  readonly path: readonly Link[];
  readonly trusted: boolean;
}

/** Whether the issuer's key signed the certificate below and the issuer may have issued it; else the miss is noted. */
function isIssuer(issuer: Link, below: Below, search: Search): boolean {
  const { path } = below;
  search.links += 1;
  if (search.links > MOST_LINKS)
    return miss(search, path, 0, { reason: 'path-search-ended', limit: 'links', most: MOST_LINKS });
  // A signature by a key that anybody can find proves nothing (T017, T033).
  const strong = checkKey(issuer.certificate);
  if (strong.outcome === 'refused') return miss(search, path, STAGES.signature, strong.refusal);
  const signed = checkLink(issuer, path, search);
  if (signed !== undefined) return miss(search, path, STAGES.signature, signed);
  const allowed = checkIssuer(issuer, below, search.asked);
  return allowed.outcome === 'done' || miss(search, path, STAGES.rules, allowed.refusal);
}

function checkLink(issuer: Link, path: readonly Link[], { checks }: Search): Refusal | undefined {
  const subject = path.at(-1);
  if (subject === undefined) return undefined;
  const { signed } = subject.body;
  const verdict = checks(signed, issuer.certificate);
  if (verdict === 'good') return undefined;
  if (verdict === 'exhausted') return { reason: 'path-search-ended', limit: 'signature checks', most: MOST_CHECKS };
  if (verdict === 'unsupported') return { reason: 'signature-unsupported', algorithm: nameAlgorithm(signed.algorithm) };
  const [certificate, by] = [subject.certificate.fingerprint, issuer.certificate.fingerprint];
  return { reason: 'certificate-signature-invalid', certificate, issuer: by };
}

function arrive(path: readonly Link[], anchor: Link, search: Search): Outcome<VerifiedPath> | undefined {
  const { revocation: lists, now } = search.question;
  const revoked = lists && findRevoked([...path, anchor], { lists, checks: search.checks, now });
  if (revoked !== undefined) miss(search, path, STAGES.revocation, revoked);
  const [leaf, ...issuers] = path.map(({ certificate }) => certificate);
  if (revoked !== undefined || leaf === undefined) return undefined;
  return done({ leaf, issuers, anchor: anchor.certificate } as unknown as VerifiedPath);
}
