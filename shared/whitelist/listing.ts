// What does the whitelist remember of a device, and where did it come from? A row changes once at most, when it is
// released (blueprint step 1).
import * as z from 'zod';

import type { Anchor } from '../identity/anchor.ts';
import type { Certificate } from '../identity/certificate.ts';
import { serialOf } from '../identity/certificate-body.ts';
import { makeDeviceId } from '../identity/device-id.ts';
import { CHAIN_LINK } from '../identity/revocation.ts';
import type { VerifiedPath } from '../identity/path.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import { findPath } from './formats/chain.ts';
import type { ManifestEntry } from './formats/format.ts';
import { parseRow } from '../rows.ts';

export const PROVENANCE = z.object({
  /** SHA-256 of the manifest file. */
  manifest: z.string(),
  line: z.int().min(1),
  /** SHA-256 of the signer's certificate. */
  signer: z.string(),
  signedAt: z.iso.datetime(),
  importedAt: z.iso.datetime(),
});

const LISTING = z.object({
  version: z.int().min(1),
  device: z.string(),
  serial: z.string(),
  manufacturer: z.string(),
  product: z.string(),
  lot: z.string(),
  /** How the device reaches the broker. */
  path: z.enum(['jitr', 'registered']),
  /** base64 DER, kept where the certificate itself must be registered with the broker. */
  certificate: z.base64().optional(),
  fingerprint: z.string(),
  keyFingerprint: z.string(),
  /** The anchor under which the certificate was verified on import. */
  issuer: z.string(),
  /** The certificate, then each issuer below the anchor: what the clock or a revocation list may still end. */
  chain: z.array(CHAIN_LINK).min(1).max(3),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  /** Listed beyond its lot's allotment: two people must release it before anybody can own it. */
  held: z.literal(true).optional(),
  provenance: PROVENANCE,
});

/** Without a fingerprint while the device waits for its certificate. */
const ID_CLAIM = z.object({ version: z.int().min(1), fingerprint: z.string().optional() });
const KEY_CLAIM = z.object({ device: z.string() });

export type Listing = z.infer<typeof LISTING>;
export type IdClaim = z.infer<typeof ID_CLAIM>;
export type Provenance = z.infer<typeof PROVENANCE>;

export interface ListingContext {
  readonly manufacturer: string;
  readonly product: string;
  readonly lot: string;
  /** SHA-256 of the manifest file. */
  readonly manifest: string;
  /** Who signed the whole file; entries that carry a signature of their own name its signer. */
  readonly signedBy: { readonly signer: string; readonly signedAt: string };
  /** The manufacturer's pinned authorities and roots. */
  readonly anchors: readonly Anchor[];
  readonly line: number;
  readonly now: string;
}

export function listingKey(fingerprint: string) {
  return { table: 'whitelist', pk: fingerprint, sk: 'row' } as const;
}

/** In the transaction of its listing: one id, one key. Reserved without a certificate for a device that waits for one. */
export function idClaimKey(device: string) {
  return { table: 'whitelist', pk: `id#${foldId(device)}`, sk: 'row' } as const;
}

/** Two ids that differ by case only read as one to people: the first holds both (T020). */
export function foldId(device: string): string {
  return device.toLowerCase();
}

/** Create-only, in the transaction of its listing: one public key, one device. */
export function keyClaimKey(keyFingerprint: string) {
  return { table: 'whitelist', pk: `key#${keyFingerprint}`, sk: 'row' } as const;
}

/** One entry of a verified manifest becomes a listing; its certificate must stand under one of the maker's own CAs. */
export function listDevice(entry: ManifestEntry, context: ListingContext): Outcome<Listing> {
  const { manufacturer, product, lot, manifest, anchors, line, now } = context;
  const device = makeDeviceId(manufacturer, entry.serial);
  if (device.outcome === 'refused') return device;
  const { certificate, chain } = entry;
  if (certificate === undefined) return refused({ reason: 'certificate-absent', device: device.value });
  const found = findPath({ certificate, chain }, { manufacturer, anchors, now });
  if (found.outcome === 'refused') return found;
  const { anchor, path } = found.value;
  const { fingerprint, keyFingerprint, notBefore, notAfter } = certificate;
  const { signer, signedAt } = entry.signedBy ?? context.signedBy;
  return done({
    version: 1,
    device: device.value,
    serial: entry.serial,
    manufacturer,
    product,
    lot,
    ...pathOf(anchor, certificate),
    fingerprint,
    keyFingerprint,
    issuer: anchor.certificate.fingerprint,
    chain: linksOf(path),
    notBefore,
    notAfter,
    provenance: { manifest, line, signer, signedAt, importedAt: now },
  });
}

function linksOf({ leaf, issuers, anchor }: VerifiedPath): Listing['chain'] {
  return [leaf, ...issuers].map((certificate, index) => ({
    issuerKey: (issuers[index] ?? anchor).keyFingerprint,
    serial: serialOf(certificate),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  }));
}

/** A CA that nobody here can register ends chains only; its devices' certificates are registered one by one. */
function pathOf({ purpose }: Anchor, { x509 }: Certificate): Pick<Listing, 'path' | 'certificate'> {
  return purpose === 'root' ? { path: 'registered', certificate: x509.raw.toString('base64') } : { path: 'jitr' };
}

/** What the whitelist holds already that a new listing could meet. */
export interface Stored {
  /** The listing of the same certificate. */
  readonly listing: Listing | undefined;
  /** The certificate that holds the same device id. */
  readonly claimedBy: string | undefined;
  /** The device that holds the same public key. */
  readonly keyOf: string | undefined;
}

/** What is stored already decides about a new listing: the first value stays (T001, T011, T012). */
export function compareListing(listing: Listing, stored: Stored): Outcome<'new' | 'unchanged'> {
  const { device, fingerprint, keyFingerprint } = listing;
  const { claimedBy, keyOf } = stored;
  if (claimedBy !== undefined && claimedBy !== fingerprint) {
    return refused({ reason: 'id-taken', device, listed: claimedBy, got: fingerprint });
  }
  // One key in two devices is one secret in two places, whatever the certificates say.
  if (keyOf !== undefined && keyOf !== device) {
    return refused({ reason: 'key-taken', device, listed: keyOf, got: keyFingerprint });
  }
  if (stored.listing === undefined) return done('new');
  if (stored.listing.device === device) return done('unchanged');
  return refused({ reason: 'listing-conflict', fingerprint, listed: stored.listing.device, got: device });
}

export function isHeld(listing: Listing): boolean {
  return listing.held === true;
}

/** Two people said so: from now on the device can be claimed and admitted. */
export function releaseListing(listing: Listing): Listing {
  const { held, ...released } = listing;
  return { ...released, version: listing.version + 1 };
}

export function parseKeyClaim(row: unknown): z.infer<typeof KEY_CLAIM> {
  return parseRow(KEY_CLAIM, row, 'key claim row');
}

export function parseListing(row: unknown): Listing {
  return parseRow(LISTING, row, 'whitelist row');
}

export function parseIdClaim(row: unknown): IdClaim {
  return parseRow(ID_CLAIM, row, 'id claim row');
}
