// What waits for a second person? An act that its requester cannot perform alone, and who may approve it until when.
import { createHash } from 'node:crypto';
import * as z from 'zod';

import { canonicalBytes, type Json } from '../canonical.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import { parseRow } from '../rows.ts';

export const APPROVAL_HOURS = 24;
const LABEL = 'wardkey-approval/1';

export const RELEASE = z.strictObject({
  kind: z.literal('release-held'),
  devices: z.array(z.string().min(1).max(64)).min(1).max(25),
});

const ROW = z.object({
  version: z.int().min(1),
  id: z.string(),
  act: RELEASE,
  requester: z.string(),
  expiresAt: z.iso.datetime(),
  approver: z.string().optional(),
});

export type Release = z.infer<typeof RELEASE>;
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

export function parseApproval(row: unknown): Approval {
  return parseRow(ROW, row, 'approval row');
}
