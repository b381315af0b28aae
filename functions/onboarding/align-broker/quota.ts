// How fast may we call AWS IoT Core? One token bucket for the account, kept as a row that all workers share.
// Defaults of AWS: UpdateCertificate, DescribeCertificate and ListPrincipalThings 10 calls a second each,
// AttachPolicy and ListAttachedPolicies 15 (https://docs.aws.amazon.com/general/latest/gr/iot-core.html).
import * as z from 'zod';

import { Fault } from '../../../shared/outcome.ts';
import type { Clock, Registry } from '../../../shared/ports.ts';

/** One alignment makes at most two calls of a kind that is limited to 10 a second, and mostly one. */
const ALIGNMENTS_PER_SECOND = 5;
const BURST = 5;
const ATTEMPTS = 10;
const KEY = { table: 'devices', pk: 'quota#broker', sk: 'row' } as const;

const ROW = z.object({ version: z.int().min(1), tokens: z.number(), at: z.iso.datetime() });
export type Bucket = z.infer<typeof ROW>;

/** Takes one token, in advance if need be: `waitMs` says when it is there. */
export function drawToken(bucket: Bucket | undefined, now: string): { next: Bucket; waitMs: number } {
  const { version, tokens, at } = bucket ?? { version: 0, tokens: BURST, at: now };
  // Clocks of two workers may differ: time never runs backwards here.
  const elapsedSeconds = Math.max(0, Date.parse(now) - Date.parse(at)) / 1000;
  const left = Math.min(BURST, tokens + elapsedSeconds * ALIGNMENTS_PER_SECOND) - 1;
  const time = Date.parse(now) > Date.parse(at) ? now : at;
  const waitMs = left >= 0 ? 0 : Math.ceil((-left / ALIGNMENTS_PER_SECOND) * 1000);
  return { next: { version: version + 1, tokens: left, at: time }, waitMs };
}

/** Returns when one alignment may call the broker. */
export async function awaitTurn(registry: Registry, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [row] = await registry.read([KEY]);
    const bucket = row === undefined ? undefined : parseBucket(row);
    const { next, waitMs } = drawToken(bucket, clock.now());
    const change = bucket === undefined ? { create: KEY, row: next } : { replace: KEY, previous: bucket, next };
    if ((await registry.commit([change])) === 'lost') continue;
    if (waitMs > 0) await clock.pause(waitMs);
    return;
  }
  throw new Fault('comparison-lost', `broker quota: other workers were faster ${ATTEMPTS} times`);
}

function parseBucket(row: unknown): Bucket {
  const parsed = ROW.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', 'broker quota row', { cause: parsed.error });
}
