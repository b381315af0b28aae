// When does a certificate authority look stolen? Many different certificates of one CA, each refused for good, within a
// minute: then the broker takes in no new certificate of it, until time or an operator says otherwise (T051).
import * as z from 'zod';
import { parseRow } from '../rows.ts';

export const BREAKER = {
  /** So many distinct certificates that are refused for good ... */
  most: 50,
  /** ... within so long ... */
  windowSeconds: 60,
  /** ... open the breaker, which closes by itself after so long. */
  coolDownSeconds: 15 * 60,
} as const;

const COUNT_ROW = z.object({ version: z.int().min(1), since: z.iso.datetime(), certificates: z.int().min(0) });

/**
 * What is wished of a CA's auto-registration, and by whom. `brokerPending`: from when on `change-trust` must look: at once
 * after a change, and when a breaker that opened by rule is due to close.
 */
const ROW = z.object({
  version: z.int().min(1),
  /** IoT Core's id of the CA. */
  authority: z.string(),
  position: z.enum(['open', 'closed']),
  by: z.enum(['rule', 'operator']),
  since: z.iso.datetime(),
  brokerPending: z.iso.datetime().optional(),
  alignedAt: z.iso.datetime().optional(),
});

export type BreakerCount = z.infer<typeof COUNT_ROW>;
export type Breaker = z.infer<typeof ROW>;

export function breakerKey(authority: string) {
  return { table: 'devices', pk: `authority#${authority}`, sk: 'breaker' } as const;
}

/** Apart from the breaker itself: it moves at every refusal, and nothing is decided from one of its versions alone. */
export function breakerCountKey(authority: string) {
  return { table: 'devices', pk: `authority#${authority}`, sk: 'refused' } as const;
}

/** One more certificate; a window that is over begins anew. */
export function countCertificate(count: BreakerCount | undefined, now: string): BreakerCount {
  const { version = 0, since = now, certificates = 0 } = count ?? {};
  const over = Date.parse(now) - Date.parse(since) > BREAKER.windowSeconds * 1000;
  return over
    ? { version: version + 1, since: now, certificates: 1 }
    : { version: version + 1, since, certificates: certificates + 1 };
}

export function isFlood({ certificates }: BreakerCount): boolean {
  return certificates >= BREAKER.most;
}

export interface BreakerMove {
  readonly authority: string;
  readonly by: Breaker['by'];
  readonly now: string;
}

/** Open: the broker is to take in no new certificate of this CA. Undefined where it is open by whoever already. */
export function openBreaker(breaker: Breaker | undefined, { authority, by, now }: BreakerMove): Breaker | undefined {
  // What an operator opened stays open: the rule must not put its own, shorter end to it.
  if (breaker?.position === 'open' && (by === 'rule' || breaker.by === 'operator')) return undefined;
  return { version: (breaker?.version ?? 0) + 1, authority, position: 'open', by, since: now, brokerPending: now };
}

/** Closed: business as usual. Undefined where nothing was opened. */
export function closeBreaker(breaker: Breaker | undefined, { authority, by, now }: BreakerMove): Breaker | undefined {
  if (breaker?.position !== 'open') return undefined;
  return { version: breaker.version + 1, authority, position: 'closed', by, since: now, brokerPending: now };
}

/** A breaker that the rule opened, and whose time is over. */
export function isCooledDown({ position, by, since }: Breaker, now: string): boolean {
  return position === 'open' && by === 'rule' && Date.parse(now) >= Date.parse(coolAt(since));
}

/** The broker was seen to do as wished; one that opened by rule comes up again when its time is over. */
export function markApplied(breaker: Breaker, now: string): Breaker {
  const { version, authority, position, by, since } = breaker;
  const applied = { version: version + 1, authority, position, by, since, alignedAt: now };
  return position === 'open' && by === 'rule' ? { ...applied, brokerPending: coolAt(since) } : applied;
}

function coolAt(since: string): string {
  return new Date(Date.parse(since) + BREAKER.coolDownSeconds * 1000).toISOString();
}

export function parseBreaker(row: unknown): Breaker {
  return parseRow(ROW, row, 'breaker row');
}

export function parseBreakerCount(row: unknown): BreakerCount {
  return parseRow(COUNT_ROW, row, 'breaker count row');
}
