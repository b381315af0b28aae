// How fast may we call AWS IoT Core? One token bucket for the account and kind of work, a row that all workers share.
// Defaults of AWS: UpdateCertificate, DescribeCertificate and ListPrincipalThings 10 calls a second each,
// AttachPolicy and ListAttachedPolicies 15, RegisterCertificate 10 for itself
// (https://docs.aws.amazon.com/general/latest/gr/iot-core.html).
import * as z from 'zod';

import { Fault } from '../../shared/outcome.ts';
import type { Clock, Registry } from '../../shared/ports.ts';
import { parseRow } from '../../shared/rows.ts';

/** Work that draws on quotas of its own, so that one kind does not wait for the other. */
export type BrokerWork = 'broker' | 'registration';

export interface BrokerQuota {
  /** Returns when one piece of such work may call the broker. */
  awaitTurn(work?: BrokerWork): Promise<void>;
  /** Whether a turn is there at this moment; takes it if so. For what can be left out. */
  tryTurn(): Promise<boolean>;
}

/**
 * One alignment makes one call of each kind that is limited to 10 a second; a share is left for people. One registration
 * makes one call that nothing else makes.
 */
const PER_SECOND: Readonly<Record<BrokerWork, number>> = { broker: 9.6, registration: 8 };
/** With it, no second holds more than ten calls of a kind. */
const BURST = 1;
const ATTEMPTS = 20;
const TRIES = 3;

const ROW = z.object({ version: z.int().min(1), tokens: z.number(), at: z.iso.datetime() });
export type Bucket = z.infer<typeof ROW>;

/** Within one process turns are drawn one after the other: a batch does not race with itself for one row. */
export function brokerQuota(registry: Registry, clock: Clock): BrokerQuota {
  let last: Promise<unknown> = Promise.resolve();
  const inLine = <T>(draw: () => Promise<T>): Promise<T> => {
    const mine = last.then(draw, draw);
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    async awaitTurn(work = 'broker') {
      const waitMs = await inLine(() => drawInAdvance(work, registry, clock));
      if (waitMs > 0) await clock.pause(waitMs);
    },
    tryTurn: () => inLine(() => drawIfThere(registry, clock)),
  };
}

async function drawInAdvance(work: BrokerWork, registry: Registry, clock: Clock): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const drawn = await draw(work, { mostMs: Infinity }, registry, clock);
    if (typeof drawn === 'number') return drawn;
    await clock.pause(5 * attempt);
  }
  throw new Fault('comparison-lost', `broker quota: other workers were faster ${ATTEMPTS} times`);
}

async function drawIfThere(registry: Registry, clock: Clock): Promise<boolean> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const drawn = await draw('broker', { mostMs: 0 }, registry, clock);
    if (drawn !== 'lost') return drawn !== 'none';
  }
  return false;
}

async function draw(
  work: BrokerWork,
  { mostMs }: { readonly mostMs: number },
  registry: Registry,
  clock: Clock,
): Promise<number | 'none' | 'lost'> {
  const key = { table: 'devices', pk: `quota#${work}`, sk: 'row' } as const;
  const [row] = await registry.read([key]);
  const bucket = row === undefined ? undefined : parseBucket(row);
  const { next, waitMs } = drawToken(bucket, clock.now(), work);
  if (waitMs > mostMs) return 'none';
  const change = bucket === undefined ? { create: key, row: next } : { replace: key, previous: bucket, next };
  return (await registry.commit([change])) === 'lost' ? 'lost' : waitMs;
}

/** Takes one token, in advance if need be: `waitMs` says when it is there. */
export function drawToken(
  bucket: Bucket | undefined,
  now: string,
  work: BrokerWork = 'broker',
): { next: Bucket; waitMs: number } {
  const perSecond = PER_SECOND[work];
  const { version, tokens, at } = bucket ?? { version: 0, tokens: BURST, at: now };
  // Clocks of two workers may differ: time never runs backwards here.
  const elapsedSeconds = Math.max(0, Date.parse(now) - Date.parse(at)) / 1000;
  const left = Math.min(BURST, tokens + elapsedSeconds * perSecond) - 1;
  const time = Date.parse(now) > Date.parse(at) ? now : at;
  const waitMs = left >= 0 ? 0 : Math.ceil((-left / perSecond) * 1000);
  return { next: { version: version + 1, tokens: left, at: time }, waitMs };
}

function parseBucket(row: unknown): Bucket {
  return parseRow(ROW, row, 'broker quota row');
}
