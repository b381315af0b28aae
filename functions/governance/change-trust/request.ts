// What can the queue ask of `change-trust`? To look at one certificate authority.
import * as z from 'zod';

import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import { alignAuthority, type AlignAuthorityWorld, type AuthorityAlignment } from './breaker.ts';

const REQUEST = z.strictObject({
  authority: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
});
const QUEUE_EVENT = z.object({ Records: z.array(z.object({ eventSource: z.literal('aws:sqs') })).min(1) });

export async function answerRequest(body: string, world: AlignAuthorityWorld): Promise<Outcome<AuthorityAlignment>> {
  const authority = parseAuthorityRequest(body);
  return authority.outcome === 'refused' ? authority : done(await alignAuthority(authority.value, world));
}

/** Answers IoT Core's id of the CA. */
export function parseAuthorityRequest(body: string): Outcome<string> {
  const request = REQUEST.safeParse(parseJson(body));
  if (request.success) return done(request.data.authority);
  return refused({ reason: 'request-malformed', problem: firstProblem(request.error.issues) });
}

/** Whoever else sends such an event asks for a look, and no look does more than the row says. */
export function isQueueEvent(event: unknown): boolean {
  return QUEUE_EVENT.safeParse(event).success;
}
