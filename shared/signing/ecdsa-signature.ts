// How does one write an ECDSA signature? As r and s side by side (PKCS #11, JOSE, COSE), or as DER (X.509, AWS KMS):
// the one place that turns each into the other. Serves every step that signs outside this process.
import { childrenOf, onlyValue, type DerValue } from '../identity/der.ts';
import type { SigningAlgorithm } from '../ports.ts';

export type EcdsaAlgorithm = Exclude<SigningAlgorithm, 'EdDSA'>;

/** Ecdsa-Sig-Value in DER (RFC 3279 2.2.3) of r || s (RFC 7518 3.4); undefined when it is not one of this curve. */
export function encodeEcdsa(sides: Uint8Array, algorithm: EcdsaAlgorithm): Uint8Array | undefined {
  const size = COORDINATE_BYTES[algorithm];
  const [r, s] = [sides.subarray(0, size), sides.subarray(size)];
  if (sides.length !== 2 * size || isZero(r) || isZero(s)) return undefined;
  const content = Buffer.concat([integerOf(r), integerOf(s)]);
  // 2 * (2 + 49) bytes at most: one byte holds the length.
  return Buffer.concat([Buffer.from([SEQUENCE, content.length]), content]);
}

/** The same way back; undefined for anything but the one DER form of two numbers that fit the curve (T007). */
export function decodeEcdsa(der: Uint8Array, algorithm: EcdsaAlgorithm): Uint8Array | undefined {
  const values = childrenOf(onlyValue(der)) ?? [];
  const [r, s] = values.map((value) => coordinateOf(value, COORDINATE_BYTES[algorithm]));
  return values.length === 2 && r !== undefined && s !== undefined ? Buffer.concat([r, s]) : undefined;
}

/** X.690 8.3.2: as short as it can be, with a zero byte in front where the number would look negative. */
function integerOf(coordinate: Uint8Array): Uint8Array {
  const bytes = coordinate.subarray(coordinate.findIndex((byte) => byte !== 0));
  const sign = isNegative(bytes) ? [0] : [];
  return Buffer.from([INTEGER, sign.length + bytes.length, ...sign, ...bytes]);
}

/** Whether it lies below the order of the curve is for the verification to say. */
function coordinateOf({ tag, content }: DerValue, size: number): Uint8Array | undefined {
  const spare = content[0] === 0 && content.length > 1;
  const bytes = spare ? content.subarray(1) : content;
  if (tag !== INTEGER || isZero(bytes) || bytes.length > size) return undefined;
  // A zero byte in front that nothing needs, or a number below zero.
  if (spare !== isNegative(bytes)) return undefined;
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
}

/** Also of no bytes at all. */
function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function isNegative(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >= 0x80;
}

/** Of one number below the order: r || s has twice as many. */
const COORDINATE_BYTES: Readonly<Record<EcdsaAlgorithm, number>> = { ES256: 32, ES384: 48 };
const SEQUENCE = 0x30;
const INTEGER = 0x02;
