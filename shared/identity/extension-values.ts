// What stands in an extension that we understand? Each value in its own shape, or undefined.
import { childrenOf, onlyValue, type DerValue } from './der.ts';
import { dotted, readBoolean, readLongNumber, readNamedBits, readNumber, readOid, TAGS } from './der-values.ts';
import { areGeneralNames } from './general-names.ts';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** What stands in the OCTET STRING. */
  readonly value: Uint8Array;
}

export interface BasicConstraints {
  readonly critical: boolean;
  readonly authority: boolean;
  readonly pathLength: number | undefined;
}

export type KeyUsage = (typeof USAGES)[number];

/** RFC 5280 4.2.1.9. Both members are optional; cA is written only when TRUE. */
export function readBasic(extension: Extension | undefined): BasicConstraints | undefined {
  const parts = childrenOf(valueOf(extension));
  if (extension === undefined || parts === undefined) return undefined;
  const authority = readBoolean(parts[0]) === true;
  const [length, ...more] = parts.slice(authority ? 1 : 0);
  const pathLength = readNumber(length);
  if (more.length > 0 || (length !== undefined && pathLength === undefined)) return undefined;
  return { critical: extension.critical, authority, pathLength };
}

/** RFC 5280 4.2.1.3: at least one bit is set. */
export function readKeyUsage(extension: Extension | undefined): ReadonlySet<KeyUsage> | undefined {
  const named = readNamedBits(valueOf(extension))?.map((bit) => USAGES[bit]);
  const known = named?.filter((usage) => usage !== undefined);
  return known === undefined || known.length !== named?.length ? undefined : new Set(known);
}

/** RFC 5280 4.2.1.12: SIZE (1..MAX): an empty list allows nothing and everything (T030, CVE-2026-40097). */
export function readPurposes(extension: Extension | undefined): readonly string[] | undefined {
  const oids = childrenOf(valueOf(extension))?.map(readOid);
  const known = oids?.filter((oid) => oid !== undefined);
  return known === undefined || known.length === 0 || known.length !== oids?.length ? undefined : known.map(dotted);
}

/** RFC 5280 4.2.1.1: [0] key identifier, and [1] issuer with [2] serial number: both of them or none. */
export function isAuthorityKeyId(parts: readonly DerValue[] | undefined): boolean {
  const named = parts?.filter(({ tag }) => tag !== KEY_ID);
  const [issuer, serial] = named ?? [];
  if (named === undefined || parts?.slice(1).some(({ tag }) => tag === KEY_ID)) return false;
  if (named.length === 0) return true;
  return named.length === 2 && areGeneralNames(issuer, ISSUER) && serial?.tag === SERIAL && isSerial(serial);
}

/** IMPLICIT: the tag stands in place of INTEGER's. */
function isSerial(value: DerValue): boolean {
  return readLongNumber({ ...value, tag: TAGS.integer }) !== undefined;
}

export function valueOf(extension: Extension | undefined): DerValue | undefined {
  return extension && onlyValue(extension.value);
}

/** RFC 5280 4.2.1.3, by position. */
const USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** [0], [1] and [2] of AuthorityKeyIdentifier. */
export const KEY_ID = 0x80;
const ISSUER = 0xa1;
const SERIAL = 0x82;
