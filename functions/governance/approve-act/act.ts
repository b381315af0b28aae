// What can be asked of `approve-act`?
import * as z from 'zod';

import { RELEASE } from '../../../shared/governance/approval.ts';

const REQUEST_RELEASE = z.strictObject({
  kind: z.literal('request-release'),
  devices: RELEASE.shape.devices.refine((ids) => new Set(ids).size === ids.length, 'expected each device once'),
});

const REQUEST_LIFT = z.strictObject({ kind: z.literal('request-lift'), device: z.string().min(1).max(64) });

const APPROVE = z.strictObject({
  kind: z.literal('approve'),
  approval: z.string().min(1).max(64),
  /** What the approver was shown: see approvalDigest. */
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
});

export const APPROVAL_ACT = z.discriminatedUnion('kind', [REQUEST_RELEASE, REQUEST_LIFT, APPROVE]);

export type RequestRelease = z.infer<typeof REQUEST_RELEASE>;
export type RequestLift = z.infer<typeof REQUEST_LIFT>;
export type Approve = z.infer<typeof APPROVE>;
