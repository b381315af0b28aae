// What does the whitelist remember of a device? Immutable rows, with where each came from (blueprint step 1).
import * as z from 'zod';

import type { Anchor } from '../identity/anchor.ts';
import { isIssuedBy, parseCertificate } from '../identity/certificate.ts';
import { makeDeviceId } from '../identity/device-id.ts';
import { done, Fault, refused, type Outcome } from '../outcome.ts';
import type { ManifestHeader, ManifestLine } from './manifest.ts';
import type { VerifiedManifest } from './signature.ts';

const PROVENANCE = z.object({
  /** SHA-256 of the manifest file. */
  manifest: z.string(),
  line: z.int().min(2),
  /** SHA-256 of the signer's certificate. */
  signer: z.string(),
  signedAt: z.iso.datetime(),
  importedAt: z.iso.datetime(),
});

const LISTING = z.object({
  version: z.literal(1),
  device: z.string(),
  serial: z.string(),
  manufacturer: z.string(),
  product: z.string(),
  lot: z.string(),
  /** How the device reaches the broker: just-in-time registration under a registered manufacturer CA. */
  path: z.literal('jitr'),
  fingerprint: z.string(),
  keyFingerprint: z.string(),
  /** The anchor under which the certificate was verified on import. */
  issuer: z.string(),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  provenance: PROVENANCE,
});

const ID_CLAIM = z.object({ fingerprint: z.string() });

export type Listing = z.infer<typeof LISTING>;

export interface ListingContext {
  readonly manifest: VerifiedManifest;
  readonly header: ManifestHeader;
  /** The manufacturer's pinned CAs. */
  readonly authorities: readonly Anchor[];
  readonly line: number;
  readonly now: string;
}

export function listingKey(fingerprint: string) {
  return { table: 'whitelist', pk: fingerprint, sk: 'row' } as const;
}

/** Create-only, in the transaction of its listing: one id, one key. */
export function idClaimKey(device: string) {
  return { table: 'whitelist', pk: `id#${device}`, sk: 'row' } as const;
}

/** One line of a verified manifest becomes a listing; its certificate must come from one of the maker's own CAs. */
export function listDevice(entry: ManifestLine, context: ListingContext): Outcome<Listing> {
  const { manifest, header, authorities, line, now } = context;
  const device = makeDeviceId(header.manufacturer, entry.serial);
  if (device.outcome === 'refused') return device;
  const certificate = parseCertificate(Buffer.from(entry.certificate, 'base64'));
  if (certificate.outcome === 'refused') return certificate;
  // A signer may vouch for keys, not for other people's certificate authorities.
  const issuer = authorities.find((authority) => isIssuedBy(certificate.value, authority.certificate));
  if (issuer === undefined) return refused({ reason: 'issuer-unknown', manufacturer: header.manufacturer });
  const { fingerprint, keyFingerprint, notBefore, notAfter } = certificate.value;
  return done({
    version: 1,
    device: device.value,
    serial: entry.serial,
    manufacturer: header.manufacturer,
    product: header.product,
    lot: header.lot,
    path: 'jitr',
    fingerprint,
    keyFingerprint,
    issuer: issuer.certificate.fingerprint,
    notBefore,
    notAfter,
    provenance: {
      manifest: manifest.digest,
      line,
      signer: manifest.signer,
      signedAt: manifest.signedAt,
      importedAt: now,
    },
  });
}

/** What a stored listing and a stored id say about a new one: the first value stays (T001, T011). */
export function compareListing(
  listing: Listing,
  stored: Listing | undefined,
  claimedBy: string | undefined,
): Outcome<'new' | 'unchanged'> {
  const { device, fingerprint } = listing;
  if (claimedBy !== undefined && claimedBy !== fingerprint) {
    return refused({ reason: 'id-taken', device, listed: claimedBy, got: fingerprint });
  }
  if (stored === undefined) return done('new');
  if (stored.device === device) return done('unchanged');
  return refused({ reason: 'listing-conflict', fingerprint, listed: stored.device, got: device });
}

export function parseListing(row: unknown): Listing {
  const parsed = LISTING.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', 'whitelist row', { cause: parsed.error });
}

export function parseIdClaim(row: unknown): z.infer<typeof ID_CLAIM> {
  const parsed = ID_CLAIM.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', 'id claim row', { cause: parsed.error });
}
