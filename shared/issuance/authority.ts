// Who signs for an owner? The owner's issuing CA: its chain, the home of its key, and what its certificates look like
// (blueprint step 3).
import * as z from 'zod';

import { parseCertificate, type Certificate } from '../identity/certificate.ts';
import { Fault } from '../outcome.ts';
import { parseRow } from '../rows.ts';
import { readIssuer, type Issuer } from './issuer.ts';

/** A key in AWS KMS, by its ARN; or one in a PKCS #11 token, which a signer beside it uses under this name. */
export const KEY_HOME = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('kms'), keyArn: z.string().min(1).max(2048) }),
  z.strictObject({ kind: z.literal('pkcs11'), name: z.string().regex(/^[A-Za-z0-9 ._-]{1,64}$/) }),
]);

export type KeyHome = z.infer<typeof KEY_HOME>;

export const DAYS_DEFAULT = 90;
export const DAYS_MOST = 397;

export const AUTHORITY_TERMS = z.strictObject({
  owner: z.string(),
  /** base64 DER: the issuing CA, and the root that signed it. */
  certificate: z.base64().max(8192),
  root: z.base64().max(8192),
  algorithm: z.enum(['ES256', 'ES384', 'EdDSA']),
  home: KEY_HOME,
  /** Where the root's key lives, in words: it signs nothing here, but an auditor asks. */
  rootHome: z.string().min(1).max(2048),
  /** How many days an operational certificate is valid. */
  validityDays: z.int().min(1).max(DAYS_MOST),
  /** Where its revocation list is found: http or https. */
  crlUrl: z.string().max(256),
  /** The owner's delivery key: certified by the issuing CA, its private part sealed by a KMS key of its own. */
  delivery: z.strictObject({
    certificate: z.base64().max(8192),
    sealed: z.base64().max(8192),
    keyArn: z.string().min(1).max(2048),
  }),
});

export type AuthorityTerms = z.infer<typeof AUTHORITY_TERMS>;

const ROW = z.object({
  ...AUTHORITY_TERMS.shape,
  version: z.int().min(1),
  createdAt: z.iso.datetime(),
  /** IoT Core's id of the issuing CA. */
  caCertificateId: z.string(),
  /** Who approved it. */
  approval: z.string(),
});

type Row = z.infer<typeof ROW>;

export interface IssuingAuthority extends Omit<Row, 'certificate' | 'root'> {
  readonly certificate: Certificate;
  readonly root: Certificate;
  /** The issuing CA, as whatever it issues names it. */
  readonly issuer: Issuer;
}

/** Together, so that the publisher of revocation lists and a teardown find all of them. */
export const ISSUING = { table: 'owners', pk: 'issuing' } as const;

export function issuingKey(fingerprint: string) {
  return { ...ISSUING, sk: fingerprint } as const;
}

/** Names the authority that signs for the owner now. */
export function ownerAuthorityKey(owner: string) {
  return { table: 'owners', pk: `owner#${owner}`, sk: 'authority' } as const;
}

const POINTER = z.object({ version: z.int().min(1), fingerprint: z.string() });

export type AuthorityPointer = z.infer<typeof POINTER>;

export function parsePointer(row: unknown): AuthorityPointer {
  return parseRow(POINTER, row, 'owner authority row');
}

export interface Creation {
  readonly caCertificateId: string;
  readonly approval: string;
  readonly now: string;
}

export function authorityRow(terms: AuthorityTerms, { caCertificateId, approval, now }: Creation): Row {
  return { ...terms, version: 1, createdAt: now, caCertificateId, approval };
}

export function parseIssuing(row: unknown): IssuingAuthority {
  const stored = parseRow(ROW, row, 'issuing authority row');
  const certificate = readStored(stored.certificate);
  const issuer = readIssuer(certificate);
  if (issuer.outcome === 'refused') throw new Fault('row-malformed', `issuing authority row: ${issuer.refusal.reason}`);
  return { ...stored, certificate, root: readStored(stored.root), issuer: issuer.value };
}

function readStored(base64: string): Certificate {
  const certificate = parseCertificate(Buffer.from(base64, 'base64'));
  if (certificate.outcome === 'done') return certificate.value;
  throw new Fault('row-malformed', 'issuing authority row: a certificate cannot be read');
}
