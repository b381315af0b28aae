// What can be asked of `create-authority`?
import * as z from 'zod';

import { AUTHORITY_TERMS } from '../../../shared/issuance/authority.ts';

/** Everything that a ceremony came to; nothing happens before a second person has approved it. */
const REQUEST_AUTHORITY = z.strictObject({ kind: z.literal('request-authority'), terms: AUTHORITY_TERMS });

const CREATE_AUTHORITY = z.strictObject({ kind: z.literal('create-authority'), approval: z.string().min(1).max(64) });

export const AUTHORITY_ACT = z.discriminatedUnion('kind', [REQUEST_AUTHORITY, CREATE_AUTHORITY]);

export type RequestAuthority = z.infer<typeof REQUEST_AUTHORITY>;
export type CreateAuthority = z.infer<typeof CREATE_AUTHORITY>;

const SHOW = z.strictObject({ show: z.string().min(1).max(32) });

/** The owner whose authority is to be shown; undefined when something else is asked. */
export function parseShow(event: unknown): string | undefined {
  return SHOW.safeParse(event).data?.show;
}
