// What can be asked of `change-standing`?
import * as z from 'zod';

import { STANDING_CAUSES, WINDOW_HOURS_MOST } from '../../../shared/lifecycle.ts';

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
const RETIRE = z.strictObject({ kind: z.literal('retire'), device: DEVICE, cause: CAUSE });

/** For so long the factory certificate may begin anew. */
const OPEN_WINDOW = z.strictObject({
  kind: z.literal('open-window'),
  device: DEVICE,
  hours: z.int().min(1).max(WINDOW_HOURS_MOST),
});

const PLACE = z.strictObject({
  kind: z.literal('place'),
  device: DEVICE,
  /** Opaque: a name would sooner or later be a patient's or a diagnosis. */
  ward: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, 'expected an opaque ward code of 1 to 32 A-Z a-z 0-9 _ -'),
});

export const STANDING_ACT = z.discriminatedUnion('kind', [QUARANTINE, DENY, RETIRE, OPEN_WINDOW, PLACE]);

export type StandingAct = z.infer<typeof STANDING_ACT>;
export type PlaceAct = z.infer<typeof PLACE>;
export type OpenWindow = z.infer<typeof OPEN_WINDOW>;
