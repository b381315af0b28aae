// What does one DER value mean? Numbers, bits, object identifiers and times, each in the one form that DER allows (X.690 11).
import { childrenOf, SEQUENCE, SET, type DerValue } from './der.ts';

export const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: SEQUENCE,
  set: SET,
} as const;

/** X.690 11.1: TRUE is ff, FALSE is 00; anything else is undefined. */
export function readBoolean(value: DerValue | undefined): boolean | undefined {
  const [byte] = value?.content ?? [];
  if (value?.tag !== TAGS.boolean || value.content.length !== 1 || (byte !== 0xff && byte !== 0)) return undefined;
  return byte === 0xff;
}

/** A number from 0 to 2^31 - 1 in its shortest form. */
export function readNumber(value: DerValue | undefined, tag: number = TAGS.integer): number | undefined {
  const bytes = integerBytes(value, tag);
  if (bytes === undefined || bytes.length > 4 || isNegative(bytes)) return undefined;
  return Buffer.from(bytes).readUIntBE(0, bytes.length);
}

/** RFC 5280 5.2.3: a number of at most 20 bytes that is not negative, as lower-case hex. */
export function readLongNumber(value: DerValue | undefined): string | undefined {
  const bytes = integerBytes(value);
  if (bytes === undefined || bytes.length > LONGEST_SERIAL || isNegative(bytes)) return undefined;
  return wholeBytes(bytes);
}

/**
 * RFC 5280 4.1.2.2: a serial number is positive and at most 20 bytes long (T036). Lower-case hex of whole bytes without a
 * leading zero byte, so that one number has one spelling: `0a`, not `a` and not `000a`.
 */
export function readSerial(value: DerValue | undefined): string | undefined {
  const serial = readLongNumber(value);
  return serial === '00' ? undefined : serial;
}

/** A BIT STRING of whole bytes, as keys and signatures are. */
export function readWholeBits(value: DerValue | undefined): Uint8Array | undefined {
  if (value?.tag !== TAGS.bits || value.content[0] !== 0) return undefined;
  return value.content.subarray(1);
}

/** X.690 11.2.2: positions of the bits that are set, in a named list without zero bits at its end. */
export function readNamedBits(value: DerValue | undefined): readonly number[] | undefined {
  const [unused = 8, ...bytes] = value?.tag === TAGS.bits ? value.content : [];
  const last = bytes.at(-1);
  if (unused > 7 || bytes.length > 4 || last === undefined) return undefined;
  // The last bit that counts is set, and those behind it are not.
  if ((last & ((1 << (unused + 1)) - 1)) !== 1 << unused) return undefined;
  return bytes.flatMap((byte, index) =>
    EIGHT.filter((bit) => (byte & (0x80 >> bit)) !== 0).map((bit) => index * 8 + bit),
  );
}

/**
 * The content of an object identifier as hex: compared as it stands, so that an arc of 2^32 more than a known one is
 * unknown (T037). Undefined when an arc does not end, or begins with nothing.
 */
export function readOid(value: DerValue | undefined): string | undefined {
  if (value?.tag !== TAGS.oid || value.content.length === 0) return undefined;
  const { content } = value;
  if (content.length > LONGEST_OID || (content.at(-1) ?? 0x80) >= 0x80) return undefined;
  const empty = content.some((byte, index) => byte === 0x80 && (index === 0 || (content[index - 1] ?? 0) < 0x80));
  return empty ? undefined : Buffer.from(content).toString('hex');
}

/** `551d13` as people write it: 2.5.29.19. */
export function dotted(oid: string): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of Buffer.from(oid, 'hex')) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

/** RFC 5280 4.1.2.5: whole seconds in UTC, without fractions or offsets; milliseconds since 1970. */
export function readTime(value: DerValue | undefined): number | undefined {
  const text = Buffer.from(value?.content ?? []).toString('latin1');
  if (value?.tag === TAGS.generalizedTime) return toTime(text);
  if (value?.tag !== TAGS.utcTime || text.length !== 13) return undefined;
  // From 50 on it is the last century.
  return toTime(`${text >= '5' ? '19' : '20'}${text}`);
}

/** A date that the calendar has: the thirtieth of February would be another day. */
function toTime(text: string): number | undefined {
  if (!/^\d{14}Z$/.test(text)) return undefined;
  const iso = text.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  return !Number.isNaN(time) && new Date(time).toISOString() === iso ? time : undefined;
}

/** RFC 5280 4.1.2.4: a Name is a sequence of sets of (type, value); undefined when it is anything else. */
export function readName(value: DerValue | undefined): Uint8Array | undefined {
  const sets = childrenOf(value);
  return value !== undefined && sets?.every(isAttributeSet) === true ? value.whole : undefined;
}

function isAttributeSet(value: DerValue): boolean {
  const attributes = childrenOf(value, SET) ?? [];
  // X.690 11.6: the elements of a set stand in order.
  const sorted = attributes.every((one, index) => Buffer.compare(attributes[index - 1]?.whole ?? EMPTY, one.whole) < 0);
  return attributes.length > 0 && sorted && attributes.every(isAttribute);
}

function isAttribute(value: DerValue): boolean {
  const [type, content, ...more] = childrenOf(value) ?? [];
  return readOid(type) !== undefined && content !== undefined && more.length === 0;
}

/** X.690 8.3.2: no first byte that could be left out. */
function integerBytes(value: DerValue | undefined, tag: number = TAGS.integer): Uint8Array | undefined {
  const [first, second = 0] = value?.content ?? [];
  if (value?.tag !== tag || first === undefined) return undefined;
  const spare = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
  return value.content.length > 1 && spare ? undefined : value.content;
}

function isNegative(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >= 0x80;
}

function wholeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.length > 1 && bytes[0] === 0 ? bytes.subarray(1) : bytes).toString('hex');
}

const LONGEST_SERIAL = 20;
const LONGEST_OID = 64;
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const EMPTY = new Uint8Array();
