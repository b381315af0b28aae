// Who asks for this act? AWS Lambda does not tell a function who invoked it, so each act carries a proof: the signature
// headers of an sts:GetCallerIdentity request, made with the caller's own credentials over this very act.
import { createHash } from 'node:crypto';
import * as z from 'zod';

import { canonicalBytes, type Json } from '../canonical.ts';
import { firstProblem } from '../json.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import type { CallerIdentity, SignedIdentityRequest } from '../ports.ts';

declare const proof: unique symbol;

/** Proof that the principal signed this act for this function not long ago; STS vouches for the signature. */
export interface ProvenAct<A> {
  readonly act: A;
  /** ARN, as AWS STS gave it. */
  readonly principal: string;
  readonly [proof]: 'ProvenAct';
}

export interface ActRequest {
  readonly act: unknown;
  readonly identity: SignedIdentityRequest;
}

export interface ActCheck {
  /** ARN of the function that was invoked: an act for another deployment is another act. */
  readonly audience: string;
  readonly now: string;
  readonly callers: CallerIdentity;
}

/** The signed header that binds the identity request to the act. */
export const ACT_HEADER = 'x-wardkey-act';
const LABEL = 'wardkey-act/1';
const LONGEST_AGE_MS = 5 * 60 * 1000;
/** What a signed identity request consists of; nothing else is sent on to STS. */
export const IDENTITY_HEADERS = [
  'authorization',
  'content-type',
  'host',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  ACT_HEADER,
];
const MUST_BE_SIGNED = ['host', 'x-amz-date', ACT_HEADER];

const REQUEST = z.strictObject({
  act: z.unknown(),
  identity: z.strictObject({ headers: z.record(z.string().max(64), z.string().max(4096)) }),
});

const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=[^\s,]+, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$/;

/** Lower-case hex; covers the function's ARN and every member of the act. */
export function actDigest(audience: string, act: Json): string {
  return createHash('sha256')
    .update(canonicalBytes({ label: LABEL, audience, act }))
    .digest('hex');
}

/** Parses the act by its schema and asks STS who signed it. */
export async function proveAct<S extends z.ZodType>(
  schema: S,
  event: unknown,
  check: ActCheck,
): Promise<Outcome<ProvenAct<z.infer<S>>>> {
  const request = REQUEST.safeParse(event);
  if (!request.success) return refused({ reason: 'request-malformed', problem: firstProblem(request.error.issues) });
  const act = schema.safeParse(request.data.act);
  if (!act.success) return refused({ reason: 'request-malformed', problem: firstProblem(act.error.issues) });
  const { headers } = request.data.identity;
  const digest = tryDigest(check.audience, request.data.act as Json);
  if (digest === undefined) return refused({ reason: 'request-malformed', problem: 'the act has no canonical form' });
  const problem = findProblem(headers, digest, check.now);
  if (problem !== undefined) return refused({ reason: 'caller-unproved', problem });
  const principal = await check.callers.identify({ headers });
  if (principal === undefined)
    return refused({ reason: 'caller-unproved', problem: 'STS does not accept the signature' });
  return done({ act: act.data, principal } as ProvenAct<z.infer<S>>);
}

/** Undefined for text that is no Unicode and numbers that JSON cannot say exactly: nobody can have signed them. */
function tryDigest(audience: string, act: Json): string | undefined {
  try {
    return actDigest(audience, act);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function findProblem(headers: Readonly<Record<string, string>>, digest: string, now: string): string | undefined {
  const unknown = Object.keys(headers).find((name) => !IDENTITY_HEADERS.includes(name));
  // Headers of the caller's choosing could change what STS answers, and to whom.
  if (unknown !== undefined) return `unexpected header "${unknown}"`;
  const signed = AUTHORIZATION.exec(headers['authorization'] ?? '')?.[1]?.split(';') ?? [];
  // A header that is sent but not signed is anybody's: the act could be swapped under a genuine signature.
  const missing = MUST_BE_SIGNED.find((name) => !signed.includes(name));
  if (missing !== undefined) return `expected "${missing}" among the signed headers`;
  if (headers[ACT_HEADER] !== digest) return 'the signature is over another act or another function';
  const age = Date.parse(now) - signedTime(headers['x-amz-date'] ?? '');
  // A captured request must not be worth anything later.
  if (!(Math.abs(age) <= LONGEST_AGE_MS)) return `signed more than ${LONGEST_AGE_MS / 60_000} minutes from now`;
  return undefined;
}

/** `20261124T215000Z` in milliseconds; NaN for anything else. */
function signedTime(text: string): number {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (parts === null) return Number.NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`);
}
