// How fast may we call AWS IoT Core? One token bucket for the account and kind of work, a row that all workers share.
// Defaults of AWS: UpdateCertificate, DescribeCertificate and ListPrincipalThings 10 calls a second each,
// AttachPolicy and ListAttachedPolicies 15, RegisterCertificate 10 for itself
// (https://docs.aws.amazon.com/general/latest/gr/iot-core.html).
import * as z from 'zod';

import { Fault } from '../../../shared/outcome.ts';
import type { Clock, Registry } from '../../../shared/ports.ts';

/** Work that draws on quotas of its own, so that one kind does not wait for the other. */
export type BrokerWork = 'broker' | 'registration';

/**
 * One alignment makes at most two calls of a kind that is limited to 10 a second, and mostly one; one registration makes
 * one call that nothing else makes.
 */
const PER_SECOND: Readonly<Record<BrokerWork, number>> = { broker: 5, registration: 8 };
const ATTEMPTS = 10;

const ROW = z.object({ version: z.int().min(1), tokens: z.number(), at: z.iso.datetime() });
export type Bucket = z.infer<typeof ROW>;

/** Takes one token, in advance if need be: `waitMs` says when it is there. */
export function drawToken(
  bucket: Bucket | undefined,
  now: string,
  work: BrokerWork = 'broker',
): { next: Bucket; waitMs: number } {
  const perSecond = PER_SECOND[work];
  const { version, tokens, at } = bucket ?? { version: 0, tokens: perSecond, at: now };
  // Clocks of two workers may differ: time never runs backwards here.
  const elapsedSeconds = Math.max(0, Date.parse(now) - Date.parse(at)) / 1000;
  const left = Math.min(perSecond, tokens + elapsedSeconds * perSecond) - 1;
  const time = Date.parse(now) > Date.parse(at) ? now : at;
  const waitMs = left >= 0 ? 0 : Math.ceil((-left / perSecond) * 1000);
  return { next: { version: version + 1, tokens: left, at: time }, waitMs };
}

/** Returns when one piece of such work may call the broker. */
export async function awaitTurn(registry: Registry, clock: Clock, work: BrokerWork = 'broker'): Promise<void> {
  const key = { table: 'devices', pk: `quota#${work}`, sk: 'row' } as const;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [row] = await registry.read([key]);
    const bucket = row === undefined ? undefined : parseBucket(row);
    const { next, waitMs } = drawToken(bucket, clock.now(), work);
    const change = bucket === undefined ? { create: key, row: next } : { replace: key, previous: bucket, next };
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
