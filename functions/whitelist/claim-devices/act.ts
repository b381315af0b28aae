// What can be asked of `claim-devices`?
import * as z from 'zod';

import { isOwnerId } from '../../../shared/identity/owner-id.ts';
import { MOST_CLAIMS } from '../../../shared/whitelist/claim.ts';

export const CLAIM_ACT = z.strictObject({
  kind: z.literal('claim-devices'),
  owner: z.string().refine(isOwnerId, 'expected an owner id of 2 to 32 a-z 0-9 -'),
  devices: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(MOST_CLAIMS)
    .refine((ids) => new Set(ids).size === ids.length, 'expected each device once'),
});

export type ClaimAct = z.infer<typeof CLAIM_ACT>;
