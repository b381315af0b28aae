// What does a verified Microchip payload say of its secure element? Serial number, certificate and key must agree.
import { createPublicKey, hash, type JsonWebKey } from 'node:crypto';
import * as z from 'zod';

import { P256_PREFIX, pointOf } from '../../identity/acceptable-key.ts';
import type { Certificate } from '../../identity/certificate.ts';
import { readCertificateFields } from '../../identity/der.ts';
import { makeDeviceId } from '../../identity/device-id.ts';
import { firstProblem, parseStrictJson } from '../../json.ts';
import { done, refused, type Outcome } from '../../outcome.ts';
import { certifiedEntry, parseBase64Certificate } from './entry.ts';
import { malformed, type FormatContext, type ManifestEntry } from './format.ts';

const COORDINATE = z.base64url().length(43);

const KEY = z.strictObject({
  kid: z.string().min(1).max(64),
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: COORDINATE,
  y: COORDINATE,
  /** base64 DER (RFC 7517 4.7), the device first, then its issuers. */
  x5c: z.array(z.base64().min(1).max(8192)).min(1).max(4).optional(),
});

// Not strict: the signature covers whatever else Microchip tells of its chips, and nothing here reads it.
const PAYLOAD = z.object({
  version: z.literal(1),
  provisioningTimestamp: z.iso.datetime(),
  uniqueId: z.string().regex(/^(?:[0-9a-f]{2}){4,32}$/, 'expected hex in lower case'),
  publicKeySet: z.object({ keys: z.array(KEY).min(1).max(32) }),
});

export type Payload = z.infer<typeof PAYLOAD>;
type Key = z.infer<typeof KEY>;

export function parsePayload(bytes: Buffer, line: number): Outcome<Payload> {
  const payload = PAYLOAD.safeParse(parseStrictJson(bytes.toString('utf8')));
  return payload.success ? done(payload.data) : malformed(line, `payload: ${firstProblem(payload.error.issues)}`);
}

/** The device's identity is key "0"; the others belong to its applications. SAN is no identity: all devices have the same. */
export function readSecureElement(payload: Payload, line: number, context: FormatContext): Outcome<ManifestEntry> {
  const { uniqueId: serial } = payload;
  const [key, another] = payload.publicKeySet.keys.filter(({ kid }) => kid === '0');
  if (key === undefined || another !== undefined) return malformed(line, 'payload: expected one key "0"');
  const [leaf, ...issuers] = (key.x5c ?? []).map(parseBase64Certificate);
  if (leaf === undefined) return bareEntry(serial, key, context);
  const chain: Certificate[] = [];
  for (const issuer of issuers) {
    if (issuer.outcome === 'refused') return issuer;
    chain.push(issuer.value);
  }
  const entry = certifiedEntry({ serial, certificate: leaf, chain }, context);
  if (entry.outcome === 'refused' || leaf.outcome === 'refused') return entry;
  const agreed = checkLeaf(leaf.value, serial, key);
  return agreed.outcome === 'refused' ? agreed : entry;
}

function checkLeaf(leaf: Certificate, serial: string, key: Key): Outcome<Certificate> {
  // The certificate of one device under the serial number of another (T009).
  const expected = `sn${serial.toUpperCase()}`;
  const name = readCertificateFields(leaf.x509.raw)?.commonName;
  if (name !== expected) return refused({ reason: 'id-differs', expected, got: name ?? 'no single common name' });
  // Both are signed, by different parties: they must mean one key (T010).
  const [listed, certified] = [coordinates(key), pointOf(leaf)];
  if (certified !== undefined && listed.equals(certified)) return done(leaf);
  return refused({ reason: 'key-differs', expected: fingerprint(listed), got: leaf.keyFingerprint });
}

/** A chip without a certificate: its key is listed, and waits. */
function bareEntry(serial: string, key: Key, { manufacturer }: FormatContext): Outcome<ManifestEntry> {
  const device = makeDeviceId(manufacturer, serial);
  if (device.outcome === 'refused') return device;
  if (!isOnCurve(key)) return refused({ reason: 'key-unsupported', key: 'no point of P-256' });
  return done({ serial, keyFingerprint: fingerprint(coordinates(key)), chain: [] });
}

// A point off the curve leaks the other side's private key in an agreement (T017); OpenSSL refuses it.
function isOnCurve({ kty, crv, x, y }: Key): boolean {
  const key: JsonWebKey = { kty, crv, x, y };
  try {
    return createPublicKey({ key, format: 'jwk' }).asymmetricKeyType === 'ec';
  } catch {
    return false;
  }
}

function coordinates({ x, y }: Key): Buffer {
  return Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

function fingerprint(point: Buffer): string {
  return hash('sha256', Buffer.concat([P256_PREFIX, point]));
}
