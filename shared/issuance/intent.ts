// What is known of a certificate before and after its signature? The intent fixes every byte that is signed; the outcome is
// the first signature that was stored; only bytes read back from here leave the system.
import * as z from 'zod';

import { parseRow } from '../rows.ts';
import { REQUEST_ID } from './messages.ts';

const HEX = z.string().regex(/^[0-9a-f]+$/);

const INTENT = z.object({
  version: z.literal(1),
  requestId: REQUEST_ID,
  device: z.string(),
  owner: z.string(),
  epoch: z.int().min(1),
  /** The certificate over which it was asked, and which it is to replace. */
  over: HEX,
  /** SHA-256 of the CSR's DER. */
  csr: HEX,
  /** SHA-256 of the new key. */
  keyFingerprint: HEX,
  /** SHA-256 of the issuing CA's certificate. */
  issuer: HEX,
  /** TBSCertificate in DER, base64: serial and times fixed once. */
  tbs: z.base64(),
  at: z.iso.datetime(),
});

const OUTCOME = z.object({
  version: z.literal(1),
  certificateId: HEX,
  /** As X.509 wants it, base64. */
  signature: z.base64(),
  at: z.iso.datetime(),
});

const ISSUED = z.object({
  version: z.literal(1),
  device: z.string(),
  requestId: z.string(),
  issuer: HEX,
  /** base64 DER */
  certificate: z.base64(),
});

export type Intent = z.infer<typeof INTENT>;
export type SigningOutcome = z.infer<typeof OUTCOME>;
export type IssuedRow = z.infer<typeof ISSUED>;

/** Create-only: one request id, one CSR, one certificate. */
export function intentKey(device: string, requestId: string) {
  return { table: 'devices', pk: `device#${device}`, sk: `issuance#${requestId}#intent` } as const;
}

/** Create-only: the first signature is the certificate. */
export function outcomeKey(device: string, requestId: string) {
  return { table: 'devices', pk: `device#${device}`, sk: `issuance#${requestId}#outcome` } as const;
}

/** The certificate itself, by the name that the broker knows it under. */
export function issuedKey(certificateId: string) {
  return { table: 'devices', pk: `certificate#${certificateId}`, sk: 'issued' } as const;
}

export function parseIntent(row: unknown): Intent {
  return parseRow(INTENT, row, 'issuance intent row');
}

export function parseOutcome(row: unknown): SigningOutcome {
  return parseRow(OUTCOME, row, 'issuance outcome row');
}

export function parseIssued(row: unknown): IssuedRow {
  return parseRow(ISSUED, row, 'issued certificate row');
}
