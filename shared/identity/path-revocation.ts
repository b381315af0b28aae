// Has anybody on this path been taken back? Every certificate below the anchor needs a current list of its issuer (T040).
import type { Refusal } from '../reasons.ts';
import type { Link } from './path-rules.ts';
import { isListOf, verifyRevocationList, type RevocationList } from './revocation-list.ts';
import type { SignatureChecks } from './signature-checks.ts';

export interface RevocationQuestion {
  readonly lists: readonly RevocationList[];
  readonly checks: SignatureChecks;
  /** ISO 8601 */
  readonly now: string;
}

/** What speaks against a path whose links are good: from the leaf upwards, the anchor last and not asked about itself. */
export function findRevoked(path: readonly Link[], question: RevocationQuestion): Refusal | undefined {
  for (const [index, link] of path.entries()) {
    const issuer = path[index + 1];
    const refusal = issuer && findRevokedLink(link, issuer, question);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function findRevokedLink(link: Link, issuer: Link, { lists, checks, now }: RevocationQuestion): Refusal | undefined {
  const named = lists.filter((list) => isListOf(list, issuer.body));
  const verdicts = named.map((list) => verifyRevocationList(list, issuer.certificate, now, checks));
  const { serial } = link.body;
  const good = verdicts.flatMap((verdict) => (verdict.outcome === 'done' ? [verdict.value] : []));
  const revoked = good.flatMap((list) => list.revoked).find((entry) => entry.serial === serial);
  const by = issuer.certificate.keyFingerprint;
  if (revoked !== undefined) return { reason: 'certificate-revoked', serial, issuer: by, revokedAt: revoked.revokedAt };
  // What a delta list took back stands in no other: where there is one, the complete list alone clears nobody.
  if (named.some(({ isDelta }) => isDelta) || link.body.extensions.pointsToDeltas)
    return { reason: 'crl-unusable', problem: `${serial}: newer revocations may stand in delta lists` };
  if (good.length > 0) return undefined;
  const failed = verdicts.find((verdict) => verdict.outcome === 'refused');
  return failed?.refusal ?? { reason: 'crl-unavailable', issuer: by };
}
