// What follows when operational certificates end? The broker forgets them, and their issuer's revocation list names them;
// both in the transaction that ends them, beside an entry (functions/end-certificates.ts).
import * as z from 'zod';

import { endedBetween, type Device, type OperationalCertificate } from '../lifecycle.ts';
import type { Change } from '../ports.ts';
import { parseRow } from '../rows.ts';
import { certificateKey, removal } from '../whitelist/certificate-row.ts';

/** RFC 5280 5.3.1, the words that Wardkey uses. */
export const REVOCATION_REASONS = [
  'superseded',
  'cessationOfOperation',
  'keyCompromise',
  'affiliationChanged',
] as const;
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

const REVOKED = z.object({
  version: z.literal(1),
  serial: z.string(),
  revokedAt: z.iso.datetime(),
  reason: z.enum(REVOCATION_REASONS),
  /** When it would have ended by itself: after that no list needs to name it. */
  notAfter: z.iso.datetime(),
});

export type RevokedCertificate = z.infer<typeof REVOKED>;

/** All that one issuing CA has taken back stands together. */
export function revokedOf(issuer: string) {
  return { table: 'devices', pk: `issuing#${issuer}` } as const;
}

export const REVOKED_PREFIX = 'revoked#';

export function revokedKey(issuer: string, serial: string) {
  return { ...revokedOf(issuer), sk: `${REVOKED_PREFIX}${serial}` } as const;
}

export interface Ending {
  readonly device: string;
  readonly reason: RevocationReason;
  readonly now: string;
}

export function endCertificate(
  { certificateId, issuer, serial, notAfter }: OperationalCertificate,
  { device, reason, now }: Ending,
): Change[] {
  const row: RevokedCertificate = { version: 1, serial, revokedAt: now, reason, notAfter };
  return [
    { create: certificateKey(certificateId), row: removal(certificateId, device, now) },
    { create: revokedKey(issuer, serial), row },
  ];
}

/** Those that ended, for the broker's queue. */
export function endedCertificates(previous: Device | undefined, next: Device): readonly string[] {
  return endedBetween(previous, next).map(({ certificateId }) => certificateId);
}

export function parseRevoked(row: unknown): RevokedCertificate {
  return parseRow(REVOKED, row, 'revoked certificate row');
}
