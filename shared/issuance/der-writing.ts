// How is a value written in DER? The few kinds that certificates and revocation lists are made of, each in its one form (X.690 10, 11).
import { TAGS } from '../identity/der-values.ts';

/** Tag, length in its shortest form, and the contents one behind the other. */
export function value(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  const head = headOf(tag, length);
  return Buffer.concat([head, ...contents], head.length + length);
}

export function sequence(...values: readonly Uint8Array[]): Buffer {
  return value(TAGS.sequence, ...values);
}

/** X.690 11.6: a set of one value needs no order, and nothing here has a set of more. */
export function setOf(only: Uint8Array): Buffer {
  return value(TAGS.set, only);
}

/** [number] around a value, or in place of the tag of a constructed one. */
export function tagged(number: number, ...contents: readonly Uint8Array[]): Buffer {
  return value(CONTEXT | CONSTRUCTED | number, ...contents);
}

/** [number] in place of the tag of a primitive value. */
export function primitive(number: number, content: Uint8Array): Buffer {
  return value(CONTEXT | number, content);
}

/** A number that is not negative, big-endian: as short as it can be, and with a zero byte where it would look negative. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1) return value(TAGS.integer, ZERO);
  const number = bytes.subarray(first);
  return (number[0] ?? 0) < 0x80 ? value(TAGS.integer, number) : value(TAGS.integer, ZERO, number);
}

/** A whole number from 0 to 2^53 - 1. */
export function smallInteger(number: number): Buffer {
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`expected a whole number, got ${number}`);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return integer(bytes);
}

/** `content`: hex, as the reader compares object identifiers. */
export function oid(content: string): Buffer {
  return value(TAGS.oid, Buffer.from(content, 'hex'));
}

/** A BIT STRING; X.690 11.2.1: the unused bits at its end are zero. */
export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return value(TAGS.bits, Buffer.from([unused]), bytes);
}

export function octets(bytes: Uint8Array): Buffer {
  return value(TAGS.octets, bytes);
}

/** X.690 11.1. FALSE is the default wherever we write one, and defaults are never written (11.5). */
export function isTrue(): Buffer {
  return value(TAGS.boolean, Buffer.from([0xff]));
}

export function utf8(text: string): Buffer {
  return value(UTF8_STRING, Buffer.from(text, 'utf8'));
}

/** Whoever calls it has looked at the characters: letters, digits, space and ' ( ) + , - . / : = ? */
export function printable(text: string): Buffer {
  return value(PRINTABLE_STRING, Buffer.from(text, 'latin1'));
}

/** RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on; milliseconds since 1970, whole seconds. */
export function time(milliseconds: number): Buffer {
  if (milliseconds % 1000 !== 0) throw new RangeError(`expected a time of whole seconds, got ${milliseconds}`);
  const iso = new Date(milliseconds).toISOString();
  // UTCTime has two digits for the year and begins in 1950. A year of more than four digits has a sign, which sorts before them.
  if (iso < '1950') throw new RangeError(`expected a year from 1950 to 9999, got ${iso}`);
  const digits = `${iso.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return digits < '2050'
    ? value(TAGS.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : value(TAGS.generalizedTime, Buffer.from(digits, 'latin1'));
}

function headOf(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  if (length < 0x100) return Buffer.from([tag, 0x81, length]);
  if (length < 0x10000) return Buffer.from([tag, 0x82, length >> 8, length & 0xff]);
  if (length >= 0x1000000) throw new RangeError(`expected less than 16 MiB, got ${length} bytes`);
  return Buffer.from([tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
}

const ZERO = Buffer.from([0]);
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
