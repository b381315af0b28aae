// What can be asked of `change-standing`?
import * as z from 'zod';

import { STANDING_CAUSES } from '../../../shared/lifecycle.ts';

const DEVICE = z.string().min(1).max(64);
const CAUSE = z.enum(STANDING_CAUSES);

const QUARANTINE = z.strictObject({
  kind: z.literal('quarantine'),
  device: DEVICE,
  /** `restricted`: may go on publishing, gets no keys; `cut`: the broker closes it. */
  level: z.enum(['restricted', 'cut']),
  cause: CAUSE,
});

const DENY = z.strictObject({ kind: z.literal('deny'), device: DEVICE, cause: CAUSE });

export const STANDING_ACT = z.discriminatedUnion('kind', [QUARANTINE, DENY]);

export type StandingAct = z.infer<typeof STANDING_ACT>;
