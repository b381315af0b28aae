// What do device and service say to each other about certificates? JSON on `wardkey/<thing>/certificate/…`, binary parts
// in base64url; the agent and every other MQTT client speak these.
import * as z from 'zod';

import { firstProblem, parseStrictJson } from '../json.ts';
import { done, refused, type Outcome } from '../outcome.ts';

const HEX_SHA256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
export const REQUEST_ID = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, - or _');

/** `request`: the device chooses the id, and asks with the same id and the same CSR until it is answered. */
const REQUEST = z.object({
  requestId: REQUEST_ID,
  /** PKCS #10 in DER (RFC 2986), base64url. */
  csr: z.base64url().min(1).max(5_500),
});

/** `confirm`, over the certificate that it names. */
const CONFIRMATION = z.object({ certificateId: HEX_SHA256 });

export interface CertificateWish {
  readonly requestId: string;
  readonly csr: Uint8Array;
}

/** `accepted`, after a request: DER, base64url; the chain is the issuing CA and its root. */
export interface Issued {
  readonly kind: 'issued';
  readonly requestId: string;
  readonly certificate: string;
  readonly chain: readonly string[];
  readonly renewFrom: string;
}

/** `accepted`, after a confirmation: whatever it replaced has ended. */
export interface Confirmed {
  readonly kind: 'confirmed';
  readonly certificateId: string;
}

/** `rejected`: a device learns no more than that; the ledger knows why. */
export interface Rejected {
  readonly requestId: string;
  readonly error: 'refused';
}

/** `renew`: the service asks for a renewal. */
export interface Renew {
  readonly certificateId: string;
  readonly renewFrom: string;
}

export type CertificateAnswer =
  | { readonly topic: 'accepted'; readonly body: Issued | Confirmed }
  | { readonly topic: 'rejected'; readonly body: Rejected }
  | { readonly topic: 'renew'; readonly body: Renew };

export function parseWish(payload: Uint8Array): Outcome<CertificateWish> {
  const parsed = REQUEST.safeParse(parseStrictJson(Buffer.from(payload).toString('utf8')));
  if (!parsed.success) return refused({ reason: 'request-malformed', problem: firstProblem(parsed.error.issues) });
  const { requestId, csr } = parsed.data;
  return done({ requestId, csr: Buffer.from(csr, 'base64url') });
}

export function parseConfirmation(payload: Uint8Array): Outcome<{ readonly certificateId: string }> {
  const parsed = CONFIRMATION.safeParse(parseStrictJson(Buffer.from(payload).toString('utf8')));
  if (parsed.success) return done(parsed.data);
  return refused({ reason: 'request-malformed', problem: firstProblem(parsed.error.issues) });
}
