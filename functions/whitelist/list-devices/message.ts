// What is `list-devices` asked? One chunk of a verified manifest.
import * as z from 'zod';

import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import type { ChunkRequest } from '../../../shared/ports.ts';

const REQUEST = z.strictObject({
  signatureKey: z.string().min(1).max(1024),
  signatureVersion: z.string().min(1).max(1024),
  chunk: z.int().min(1).max(1_000_000),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
});

export function parseChunkRequest(body: string): Outcome<ChunkRequest> {
  const request = REQUEST.safeParse(parseJson(body));
  if (request.success) return done(request.data);
  return refused({ reason: 'request-malformed', problem: firstProblem(request.error.issues) });
}
