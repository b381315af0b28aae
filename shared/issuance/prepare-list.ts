// Which certificates has an authority taken back? Its revocation list: prepared as exact bytes, signed, and read back by the
// reader that will have to believe it (RFC 5280 5, blueprint step 4).
import { readSigned } from '../identity/certificate-body.ts';
import { childrenOf, onlyValue } from '../identity/der.ts';
import { sameBytes } from '../identity/path-rules.ts';
import { parseRevocationList, type RevocationList } from '../identity/revocation-list.ts';
import { done, Fault, refused, type Outcome } from '../outcome.ts';
import type { SigningAlgorithm } from '../ports.ts';
import { bits, integer, sequence, smallInteger, tagged, time, value } from './der-writing.ts';
import type { Issuer } from './issuer.ts';
import { ALGORITHM_IDENTIFIERS, assemble, authorityKeyId, extension } from './profile.ts';
import { readInstant, toIso } from './terms.ts';
import type { VerifiedSignature } from '../signing/verified-signature.ts';

declare const proof: unique symbol;

/** RFC 5280 5.3.1. What a list calls `unspecified` is left out of it. */
export type ReasonCode = keyof typeof REASON_CODES | 'unspecified';

export interface Revoked {
  /** Lower-case hex of whole bytes without a leading zero byte. */
  readonly serial: string;
  /** ISO 8601 */
  readonly revokedAt: string;
  readonly reason?: ReasonCode;
}

export interface ListOrder {
  readonly issuer: Issuer;
  /** Higher than that of every list before (RFC 5280 5.2.3). */
  readonly number: number;
  /** ISO 8601; parts of a second are left out. */
  readonly thisUpdate: string;
  readonly nextUpdate: string;
  /** In any order, each serial once. */
  readonly revoked: readonly Revoked[];
}

/** Proof that these bytes are a complete list of this issuer, for its key to sign. Never stored: `restoreList` makes it again. */
export interface PreparedList {
  /** TBSCertList in DER. */
  readonly tbs: Uint8Array;
  readonly number: number;
  /** ISO 8601, UTC, whole seconds. */
  readonly thisUpdate: string;
  readonly nextUpdate: string;
  readonly signer: Uint8Array;
  readonly algorithm: SigningAlgorithm;
  readonly [proof]: 'PreparedList';
}

/**
 * Refused: an issuer that may not sign lists, or more certificates than a reader takes. Throws `row-malformed` for a number, a
 * time or a serial that cannot be meant: nobody sent them, so that a row of ours is wrong.
 */
export function prepareRevocationList(order: ListOrder): Outcome<PreparedList> {
  const { issuer, number } = order;
  const { algorithm, publicKey: signer } = issuer;
  if (!issuer.signsLists) return refused({ reason: 'usage-differs', expected: 'cRLSign', got: 'keyCertSign' });
  const [thisUpdate, nextUpdate] = [instantOf(order.thisUpdate), instantOf(order.nextUpdate)];
  if (!Number.isSafeInteger(number) || number < 1) throw malformed(`number: expected one from 1 on, got ${number}`);
  // RFC 5280 5.1.2.5: a list is believed until its end, so that it has one.
  if (nextUpdate <= thisUpdate) throw malformed(`nextUpdate: expected a time after ${toIso(thisUpdate)}`);
  const tbs = encodeList({ issuer, number, thisUpdate, nextUpdate, entries: entriesOf(order.revoked) });
  if (tbs.length > LARGEST_TBS)
    return refused({ reason: 'crl-unusable', problem: `expected at most ${LARGEST_TBS} bytes, got ${tbs.length}` });
  const times = { thisUpdate: toIso(thisUpdate), nextUpdate: toIso(nextUpdate) };
  return done({ tbs, number, ...times, signer, algorithm } as unknown as PreparedList);
}

/** The proof for bytes that were stored before they are signed; `row-malformed` unless they are a list of this issuer. */
export function restoreList(tbs: Uint8Array, issuer: Issuer): PreparedList {
  const algorithm = childrenOf(onlyValue(tbs))?.[1]?.whole ?? NOTHING;
  const read = parseRevocationList(sequence(tbs, algorithm, bits(NOTHING)));
  if (read.outcome === 'refused') throw malformed('stored bytes: expected a prepared list');
  const { number, thisUpdate, nextUpdate, revoked } = read.value;
  const order = { issuer, number: Number(number), thisUpdate, nextUpdate, revoked: revoked.map(toRevoked) };
  const again = prepareRevocationList(order);
  if (again.outcome === 'done' && sameBytes(again.value.tbs, tbs)) return again.value;
  throw malformed('stored bytes: expected a prepared list of this issuer');
}

function toRevoked({ serial, revokedAt, reason }: RevocationList['revoked'][number]): Revoked {
  return { serial, revokedAt, reason: isReason(reason) ? reason : 'unspecified' };
}

/** Proof that a list is the prepared one, signed by its issuer. */
export interface IssuedList {
  readonly prepared: PreparedList;
  readonly der: Uint8Array;
  readonly list: RevocationList;
  readonly [proof]: 'IssuedList';
}

/** Throws `answer-malformed` for a signature by another key, or over other bytes. */
export function commissionList(prepared: PreparedList, verified: VerifiedSignature): IssuedList {
  if (!sameBytes(verified.publicKey, prepared.signer)) throw unfit('another key than the issuer’s signed it');
  if (!sameBytes(verified.signed, prepared.tbs)) throw unfit('other bytes than the prepared ones were signed');
  const der = assemble(prepared.tbs, prepared.algorithm, verified.signature);
  const list = parseRevocationList(der);
  const content = readSigned(der)?.content.whole ?? NOTHING;
  if (list.outcome === 'refused' || !sameBytes(content, prepared.tbs))
    throw unfit('our own reader does not find in it what was prepared');
  return { prepared, der, list: list.value } as unknown as IssuedList;
}

interface ListContent {
  readonly issuer: Issuer;
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly entries: readonly Buffer[];
}

/** RFC 5280 5.1.2: version 2; a list of none is left out. */
function encodeList({ issuer, number, thisUpdate, nextUpdate, entries }: ListContent): Buffer {
  return sequence(
    VERSION_2,
    ALGORITHM_IDENTIFIERS[issuer.algorithm],
    issuer.name,
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    tagged(0, sequence(authorityKeyId(issuer.keyId), extension(CRL_NUMBER, smallInteger(number)))),
  );
}

/** By serial number, so that the same certificates are the same bytes. */
function entriesOf(revoked: readonly Revoked[]): readonly Buffer[] {
  const sorted = revoked.toSorted((one, other) => compare(one.serial, other.serial));
  return sorted.map((each, index) => {
    // Two certificates of one number cannot be told apart in a list, nor by whoever reads it.
    if (each.serial === sorted[index - 1]?.serial) throw malformed(`serial "${each.serial}" stands there twice`);
    return entryOf(each);
  });
}

function entryOf({ serial, revokedAt, reason = 'unspecified' }: Revoked): Buffer {
  if (!SERIAL.test(serial)) throw malformed(`serial: expected hex of 1 to 20 bytes, got "${serial}"`);
  const number = integer(Buffer.from(serial, 'hex'));
  const at = time(instantOf(revokedAt));
  if (reason === 'unspecified') return sequence(number, at);
  const code = extension(REASON_CODE, value(ENUMERATED, Buffer.from([REASON_CODES[reason]])));
  return sequence(number, at, sequence(code));
}

function compare(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : 1);
}

function isReason(text: string): text is keyof typeof REASON_CODES {
  return Object.hasOwn(REASON_CODES, text);
}

function instantOf(iso: string): number {
  const time = readInstant(iso);
  if (time === undefined) throw malformed(`expected a time in ISO 8601 and UTC, got "${iso}"`);
  return time;
}

function malformed(problem: string): Fault {
  return new Fault('row-malformed', `revocation list: ${problem}`);
}

function unfit(problem: string): Fault {
  return new Fault('answer-malformed', `commissioned revocation list: ${problem}`);
}

const NOTHING = new Uint8Array();
const VERSION_2 = smallInteger(1);
const ENUMERATED = 0x0a;
/** RFC 5280 4.1.2.2: as `readSerial` spells it, and at most 20 bytes with the zero byte of a number that would look negative. */
const SERIAL = /^(?!00)(?:(?:[0-9a-f]{2}){1,19}|[0-7][0-9a-f]{39})$/;
/** What our own reader takes, less the algorithm and the longest signature: some 20,000 certificates. */
const LARGEST_TBS = 1024 * 1024 - 256;
/** id-ce is 2.5.29, in hex 551d. */
const CRL_NUMBER = '551d14';
const REASON_CODE = '551d15';
const REASON_CODES = {
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
} as const;
