// Which certificates may stand in a path, which way is tried first, and which one came furthest? The state of one question.
import { done, refused, type Outcome } from '../outcome.ts';
import type { Refusal } from '../reasons.ts';
import type { Certificate } from './certificate.ts';
import { readBody } from './certificate-body.ts';
import { sameBytes, type Asked, type Link, type Usage } from './path-rules.ts';
import type { RevocationList } from './revocation-list.ts';
import { countSignatureChecks, type SignatureChecks } from './signature-checks.ts';

export interface PathQuestion {
  readonly leaf: Certificate;
  /** Brought along, in any order; not trusted. */
  readonly issuers: readonly Certificate[];
  /** None: nothing is trusted. Their names and keys are trusted; their own limits hold all the same. */
  readonly anchors: readonly Certificate[];
  /** What the leaf must be for. */
  readonly usage: Usage;
  /** Undefined: not asked. Given: every certificate below the anchor needs a current list of its issuer; none: refused. */
  readonly revocation?: readonly RevocationList[];
  /** ISO 8601; parts of a second do not count, as certificates know none. */
  readonly now: string;
  /** Fewer issuers between leaf and anchor than the profile's two, which no number raises. */
  readonly mostBetween?: number;
}

export interface Search {
  readonly question: PathQuestion;
  readonly leaf: Link;
  readonly anchors: readonly Link[];
  readonly issuers: readonly Link[];
  readonly asked: Asked;
  readonly mostBetween: number;
  readonly checks: SignatureChecks;
  /** Why some of what was brought could not be read: it may have been what is missing. */
  readonly unread: Refusal | undefined;
  furthest: { readonly way: number; readonly refusal: Refusal };
  /** How many were tried. */
  links: number;
}

export function openSearch(question: PathQuestion): Outcome<Search> {
  const { leaf, anchors, issuers, usage, mostBetween = MOST_BETWEEN } = question;
  const brought = anchors.length + issuers.length;
  if (brought > MOST_BROUGHT)
    return refused({ reason: 'path-search-ended', limit: 'certificates', most: MOST_BROUGHT });
  const own = readBody(leaf);
  if (own.outcome === 'refused') return own;
  const trusted = readLinks(anchors);
  const pinned = new Set(anchors.map(({ fingerprint }) => fingerprint));
  // An anchor that was brought along too is an anchor only, and nobody counts twice.
  const fresh = new Map(
    issuers.filter(({ fingerprint }) => !pinned.has(fingerprint)).map((one) => [one.fingerprint, one]),
  );
  const others = readLinks([...fresh.values()]);
  const unread = trusted.refusal ?? others.refusal;
  const furthest: Refusal = { reason: 'path-unknown', subject: leaf.fingerprint, anchors: anchors.length };
  return done({
    question,
    leaf: { certificate: leaf, body: own.value },
    anchors: trusted.links,
    issuers: others.links,
    asked: { usage, now: Math.floor(Date.parse(question.now) / SECOND) * SECOND },
    mostBetween: Math.min(mostBetween, MOST_BETWEEN),
    checks: countSignatureChecks(),
    unread,
    furthest: { way: 0, refusal: furthest },
    links: 0,
  });
}

/** Names are compared as bytes. Who stands in the path already is no candidate: a circle leads nowhere (CVE-2024-0567). */
export function candidatesFor(path: readonly Link[], links: readonly Link[]): readonly Link[] {
  const below = path.at(-1)?.body;
  if (below === undefined) return [];
  const passed = new Set(path.map(({ certificate }) => certificate.fingerprint));
  const named = links.filter(({ body }) => sameBytes(body.subject, below.issuer));
  const fresh = named.filter(({ certificate }) => !passed.has(certificate.fingerprint));
  const hinted = ({ body }: Link) => Number(body.extensions.keyId !== below.extensions.issuerKeyId);
  // Key identifiers prove nothing; they only say where to look first.
  return fresh.sort((one, other) => hinted(one) - hinted(other));
}

/** The path that came furthest tells most: by its length, then by how much of its last link was good. */
export function miss(search: Search, path: readonly Link[], stage: number, refusal: Refusal): false {
  // An end of the search is no verdict on the paths that it did not come to.
  const way = refusal.reason === 'path-search-ended' ? ENDED : path.length * STAGES.all + stage;
  if (way > search.furthest.way) search.furthest = { way, refusal };
  return false;
}

export function pathUnknown(path: readonly Link[], { anchors, unread }: Search): Refusal {
  return (
    unread ?? { reason: 'path-unknown', subject: path.at(-1)?.certificate.fingerprint ?? '', anchors: anchors.length }
  );
}

/** Those that can be read, and why the first other cannot: one bad certificate must not hide a good path. */
function readLinks(certificates: readonly Certificate[]) {
  const links: Link[] = [];
  let refusal: Refusal | undefined;
  for (const certificate of certificates) {
    const body = readBody(certificate);
    if (body.outcome === 'done') links.push({ certificate, body: body.value });
    else refusal ??= body.refusal;
  }
  return { links, refusal };
}

/** How much of the last link was good. */
export const STAGES = { unknown: 0, signature: 1, rules: 2, revocation: 3, all: 4 } as const;
const ENDED = Infinity;
/** One key may stand behind a hundred certificates: their signature is checked once, and they are as many ways (T039). */
export const MOST_LINKS = 128;
const MOST_BETWEEN = 2;
/** Read and compared, not verified. */
const MOST_BROUGHT = 256;
const SECOND = 1000;
