// What waits for a second person? An act that its requester cannot perform alone, and who may approve it until when.
import { createHash } from 'node:crypto';
import * as z from 'zod';

import { canonicalBytes, type Json } from '../canonical.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import { parseRow } from '../rows.ts';
import type { ApprovalShown } from './approval-shown.ts';

export const APPROVAL_HOURS = 24;
const LABEL = 'wardkey-approval/1';

export const RELEASE = z.strictObject({
  kind: z.literal('release-held'),
  devices: z.array(z.string().min(1).max(64)).min(1).max(25),
});

/** Of this very quarantine: one that is imposed later needs two people again. */
export const LIFT = z.strictObject({
  kind: z.literal('lift'),
  device: z.string().min(1).max(64),
  quarantinedAt: z.iso.datetime(),
});

const SHA256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

/** Certificates by their SHA-256; `terms` is that of all that was asked. */
export const CREATE_AUTHORITY = z.strictObject({
  kind: z.literal('create-authority'),
  owner: z.string().min(1).max(32),
  root: SHA256,
  issuing: SHA256,
  terms: SHA256,
});

export const APPROVABLE = z.discriminatedUnion('kind', [RELEASE, LIFT, CREATE_AUTHORITY]);

const ROW = z.object({
  version: z.int().min(1),
  id: z.string(),
  act: APPROVABLE,
  requester: z.string(),
  expiresAt: z.iso.datetime(),
  approver: z.string().optional(),
});

export type Release = z.infer<typeof RELEASE>;
export type Lift = z.infer<typeof LIFT>;
export type Approvable = z.infer<typeof APPROVABLE>;
export type Approval = z.infer<typeof ROW>;

export function approvalKey(id: string) {
  return { table: 'owners', pk: `approval#${id}`, sk: 'row' } as const;
}

/** Lower-case hex over the act and its requester: an approver approves these bytes and no later ones. */
export function approvalDigest({ id, act, requester }: Pick<Approval, 'id' | 'act' | 'requester'>): string {
  return createHash('sha256')
    .update(canonicalBytes({ label: LABEL, id, act: act as Json, requester }))
    .digest('hex');
}

export interface Asking {
  readonly id: string;
  readonly requester: string;
  readonly now: string;
}

/** Nothing happens at the request; it waits for another person. */
export function requestApproval(act: Approvable, { id, requester, now }: Asking): Approval {
  const expiresAt = new Date(Date.parse(now) + APPROVAL_HOURS * 3_600_000).toISOString();
  return { version: 1, id, act, requester, expiresAt };
}

export interface Approving {
  readonly approver: string;
  readonly digest: string;
  readonly now: string;
}

export function decideApproval(approval: Approval, { approver, digest, now }: Approving): Outcome<Approval> {
  const { id, requester, expiresAt } = approval;
  if (approval.approver !== undefined) return refused({ reason: 'approval-used', approval: id });
  if (Date.parse(now) > Date.parse(expiresAt)) return refused({ reason: 'approval-expired', expiresAt, now });
  // Two roles in one hand are one person (T134, T138).
  if (personOf(approver) === personOf(requester)) return refused({ reason: 'approver-is-requester', requester });
  const expected = approvalDigest(approval);
  if (digest !== expected) return refused({ reason: 'approval-differs', expected, got: digest });
  return done({ ...approval, version: approval.version + 1, approver });
}

/** The user, or the session name of an assumed role: the trust policy of the roles must bind it to the person. */
function personOf(principal: string): string {
  return principal.slice(principal.lastIndexOf('/') + 1).toLowerCase();
}

/** What the two people of an approval get to see. */
export function showApproval(approval: Approval): ApprovalShown {
  const { id, act, requester, expiresAt, approver } = approval;
  const shown = { approval: id, digest: approvalDigest(approval), act, requester, expiresAt };
  return approver === undefined ? shown : { ...shown, approver };
}

export function parseApproval(row: unknown): Approval {
  return parseRow(ROW, row, 'approval row');
}
