// What does a signer beside an HSM answer? Which intent, and its signature; it is believed by nobody before it is verified.
import * as z from 'zod';

import { firstProblem, parseJson } from '../json.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import type { SigningIntent } from '../ports.ts';
import { REQUEST_ID } from './messages.ts';

const HEX = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

const INTENT = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('certificate'), device: z.string().max(64), requestId: REQUEST_ID }),
  z.strictObject({ kind: z.literal('list'), issuer: HEX, number: z.int().min(1) }),
]);

const ANSWER = z.strictObject({ intent: INTENT, signature: z.base64().min(1).max(1024) });

const ORDER = z.strictObject({
  intent: INTENT,
  key: z.string().min(1).max(64),
  algorithm: z.enum(['ES256', 'ES384', 'EdDSA']),
  tbs: z.base64().min(1).max(180_000),
});

export interface SigningAnswer {
  readonly intent: SigningIntent;
  /** As X.509 wants it. */
  readonly signature: Uint8Array;
}

export function parseSigningAnswer(body: string): Outcome<SigningAnswer> {
  const parsed = ANSWER.safeParse(parseJson(body));
  if (!parsed.success) return refused({ reason: 'request-malformed', problem: firstProblem(parsed.error.issues) });
  const { intent, signature } = parsed.data;
  return done({ intent, signature: Buffer.from(signature, 'base64') });
}

export function parseSigningOrder(body: string): Outcome<z.infer<typeof ORDER>> {
  const parsed = ORDER.safeParse(parseJson(body));
  if (parsed.success) return done(parsed.data);
  return refused({ reason: 'request-malformed', problem: firstProblem(parsed.error.issues) });
}
