// Which certificates has an issuer taken back? A complete list of it (RFC 5280 5), read strictly and verified with its key (T040).
import { done, refused, type Outcome } from '../outcome.ts';
import { checkKey } from './acceptable-key.ts';
import type { Certificate } from './certificate.ts';
import { namesAlgorithm, readBody, readSigned, type SignedBytes } from './certificate-body.ts';
import { childrenOf, onlyValue } from './der.ts';
import { readLongNumber, readName, readNumber, readTime, TAGS } from './der-values.ts';
import { listExtensions, type Extension } from './extensions.ts';
import { toIso } from './path-rules.ts';
import { readEntries, unknownIn, type RevokedCertificate } from './revocation-entries.ts';
import { nameAlgorithm } from './signature.ts';
import { countSignatureChecks } from './signature-checks.ts';

export type { RevokedCertificate } from './revocation-entries.ts';

declare const proof: unique symbol;

export interface RevocationList {
  /** The issuer's name in DER, as certificates spell it. */
  readonly issuer: Uint8Array;
  /** Decimal cRLNumber: of two lists of one issuer, the higher is the newer. */
  readonly number: string;
  /** ISO 8601 */
  readonly thisUpdate: string;
  readonly nextUpdate: string;
  readonly revoked: readonly RevokedCertificate[];
  /** A delta list names changes only. */
  readonly isDelta: boolean;
  /** Why it does not tell of all certificates of its issuer; undefined when it does. */
  readonly limit: string | undefined;
  readonly signed: SignedBytes;
}

/** Proof that the issuer signed this list, that it is current, and that it tells of all its certificates. */
export type VerifiedList = RevocationList & { readonly [proof]: 'VerifiedList' };

/** One DER list of at most a mebibyte, some 25,000 certificates; `crl-unusable` for everything else. Nothing is verified yet. */
export function parseRevocationList(der: Uint8Array): Outcome<RevocationList> {
  if (der.length > LARGEST_DER) return unusable(`expected at most ${LARGEST_DER} bytes, got ${der.length}`);
  const list = readList(der);
  return typeof list === 'string' ? unusable(list) : done(list);
}

/**
 * `issuer` is trusted already: the anchor, or an authority of a verified path. The list must be of its name and by its key:
 * lists that somebody else signs for it (indirect ones) are refused.
 */
export function verifyRevocationList(
  list: RevocationList,
  issuer: Certificate,
  now: string,
  checks = countSignatureChecks(1),
): Outcome<VerifiedList> {
  const body = readBody(issuer);
  if (body.outcome === 'refused') return body;
  if (!isListOf(list, body.value)) return unusable('another issuer signed it');
  // RFC 5280 6.3.3 (f): a key that may not sign lists cannot clear a certificate.
  if (body.value.extensions.keyUsage?.has('cRLSign') === false) return unusable('its issuer may not sign lists');
  if (body.value.extensions.basic?.authority !== true) return unusable('its issuer is no authority');
  const strong = checkKey(issuer);
  if (strong.outcome === 'refused') return strong;
  const { algorithm } = list.signed;
  const verdict = checks(list.signed, issuer);
  if (verdict === 'unsupported')
    return refused({ reason: 'signature-unsupported', algorithm: nameAlgorithm(algorithm) });
  if (verdict !== 'good')
    return unusable(verdict === 'wrong' ? 'the signature is not by its issuer' : 'too many lists');
  if (list.limit !== undefined) return unusable(list.limit);
  return checkTimes(list, now);
}

/** Whether the list names this issuer, byte for byte. */
export function isListOf({ issuer }: RevocationList, { subject }: { readonly subject: Uint8Array }): boolean {
  return Buffer.compare(issuer, subject) === 0;
}

/** Whoever keeps a newer list from us must not win by that: an old one proves nothing any more. */
function checkTimes(list: RevocationList, now: string): Outcome<VerifiedList> {
  const { thisUpdate, nextUpdate } = list;
  const time = Math.floor(Date.parse(now) / SECOND) * SECOND;
  const current = time >= Date.parse(thisUpdate) && time <= Date.parse(nextUpdate);
  return current ? done(list as VerifiedList) : refused({ reason: 'crl-stale', thisUpdate, nextUpdate, now });
}

/** Text: what is wrong. */
function readList(der: Uint8Array): RevocationList | string {
  const signed = readSigned(der);
  const [version, algorithm, name, ...rest] = childrenOf(signed?.content) ?? [];
  if (signed === undefined || readNumber(version) !== V2) return 'expected a signed list of version 2 in DER';
  if (!namesAlgorithm(signed, algorithm)) return 'the signed signature algorithm differs from the outer one';
  const issuer = readName(name);
  const [thisUpdate, nextUpdate] = [rest[0], rest[1]].map(readTime);
  // RFC 5280 5.1.2.5: a list without an end would be believed for ever.
  if (issuer === undefined || thisUpdate === undefined || nextUpdate === undefined)
    return 'expected issuer, thisUpdate and nextUpdate';
  const listed = rest[2]?.tag === TAGS.sequence ? rest[2] : undefined;
  const [wrapped, ...more] = rest.slice(listed === undefined ? 2 : 3);
  if (wrapped?.tag !== EXTENSIONS || more.length > 0) return 'expected extensions at the end';
  const extensions = listExtensions(onlyValue(wrapped.content));
  if (typeof extensions === 'string') return extensions;
  const number = readNumberOf(extensions.get(CRL_NUMBER));
  if (number === undefined) return 'expected a cRLNumber of at most 20 bytes that is not critical';
  const entries = readEntries(listed);
  if (typeof entries === 'string') return entries;
  return {
    issuer,
    number,
    thisUpdate: toIso(thisUpdate),
    nextUpdate: toIso(nextUpdate),
    revoked: entries.revoked,
    isDelta: extensions.has(DELTA_INDICATOR),
    limit: limitIn(extensions) ?? entries.limit,
    signed,
  };
}

/** RFC 5280 5.2: what takes certificates out of a list's view, or would have to be understood. */
function limitIn(extensions: ReadonlyMap<string, Extension>): string | undefined {
  if (extensions.has(DELTA_INDICATOR)) return 'it is a delta list';
  // Newer revocations may stand in a delta list that nobody gave us.
  if (extensions.has(FRESHEST_CRL)) return 'it refers to delta lists';
  // 5.2.5: only some points, only users, only authorities, only some reasons, or lists of other issuers.
  if (extensions.has(DISTRIBUTION_POINT)) return 'issuingDistributionPoint limits it to some certificates';
  return unknownIn([...extensions.values()]);
}

/** RFC 5280 5.2.3. */
function readNumberOf(extension: Extension | undefined): string | undefined {
  const hex = extension?.critical === false ? readLongNumber(onlyValue(extension.value)) : undefined;
  return hex === undefined ? undefined : BigInt(`0x${hex}`).toString();
}

function unusable(problem: string) {
  return refused({ reason: 'crl-unusable', problem });
}

const LARGEST_DER = 1024 * 1024;
const V2 = 1;
const SECOND = 1000;
const EXTENSIONS = 0xa0;
/** id-ce is 2.5.29, in hex 551d. */
const CRL_NUMBER = '551d14';
const DELTA_INDICATOR = '551d1b';
const DISTRIBUTION_POINT = '551d1c';
const FRESHEST_CRL = '551d2e';
