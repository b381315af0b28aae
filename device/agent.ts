// What does a device do all its life? It connects, rotates to an operational certificate, renews it, and connects again.
import { jittered } from './backoff.ts';
import type { Session } from './connect.ts';
import { finishReplacement, hear, openRequest, settle } from './rotation.ts';
import {
  leave,
  Lost,
  nowOf,
  problemOf,
  recover,
  Stopped,
  tell,
  type AgentOptions,
  type Life,
  type Link,
} from './link.ts';

export type { AgentOptions } from './link.ts';

/** One call at a time. Lost sessions are replaced until the signal ends it, which is thrown; a disk that fails is thrown. */
export interface Agent {
  /** Returns when a broker has accepted an identity of this device, and confirmed it if it was new. */
  connect(signal?: AbortSignal): Promise<Session>;
  /** A new key, a certificate for it, in use and confirmed; the old one is gone then. Rejected: all is as before. */
  rotate(signal?: AbortSignal): Promise<'confirmed' | 'rejected'>;
  /** The same, if the certificate in use is due. */
  renew(signal?: AbortSignal): Promise<'confirmed' | 'rejected' | 'not-due'>;
  /** All of it, until the signal; then it returns, with the session closed. Nothing else ends it. */
  run(signal: AbortSignal): Promise<void>;
}

export function openAgent(options: AgentOptions): Agent {
  // No such role before the first rotation: the newest there is.
  const life: Life = { ...options, turn: { role: 'next', refusals: 0 }, failures: 0, rejections: 0 };
  return {
    connect: async (signal = NEVER) => (await persist(life, signal, () => settle(life, signal))).session,
    rotate: (signal = NEVER) => replaceCertificate(life, signal),
    renew: async (signal = NEVER) => {
      const link = await persist(life, signal, () => settle(life, signal));
      return isWanted(life, link) ? replaceCertificate(life, signal) : 'not-due';
    },
    run: (signal) => run(life, signal),
  };
}

async function replaceCertificate(life: Life, signal: AbortSignal): Promise<'confirmed' | 'rejected'> {
  await openRequest(life);
  return persist(life, signal, () => finishReplacement(life, signal));
}

async function persist<T>(life: Life, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof Stopped) await leave(life);
      if (!(error instanceof Lost)) throw error;
      tell(life, { event: 'lost', problem: error.message });
      await recover(life, signal);
    }
  }
}

async function run(life: Life, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await liveOn(life, signal);
    } catch (error) {
      if (error instanceof Stopped) break;
      tell(life, { event: error instanceof Lost ? 'lost' : 'failed', problem: problemOf(error) });
      await recover(life, signal).catch(onlyStopped);
    }
  }
  await leave(life);
}

async function liveOn(life: Life, signal: AbortSignal): Promise<void> {
  const link = await settle(life, signal);
  if (!isWanted(life, link)) return idle(life, link, signal);
  await openRequest(life);
  if ((await finishReplacement(life, signal)) === 'confirmed') return;
  // The device learns no reason: it may be curable, and a person may have to cure it.
  await listen(life, life.link ?? link, {
    milliseconds: jittered(life.rejections, life.random, LONGEST_REST_MS),
    signal,
  });
}

/** Whether this session is there to get another certificate. */
function isWanted(life: Life, { candidate }: Link): boolean {
  if (candidate.role === 'factory' || life.store.state().next !== undefined) return true;
  return nowOf(life) >= renewalTime(life);
}

/** A clock or a service that is wrong about the time must not make a device renew without end. */
function renewalTime({ store, renewFrom, lastIssued }: Life): number {
  const from = renewFrom ?? store.state().current?.renewFrom;
  if (from === undefined) return Infinity;
  return Math.max(Date.parse(from), lastIssued === undefined ? -Infinity : lastIssued + RENEWAL_GAP_MS);
}

/** Until the certificate is due, or something came that may change that. */
async function idle(life: Life, link: Link, signal: AbortSignal): Promise<void> {
  const due = renewalTime(life);
  const { certificateId } = link.candidate;
  tell(life, { event: 'operational', certificateId, renewFrom: new Date(due).toISOString() });
  while (renewalTime(life) === due && nowOf(life) < due)
    await hear(life, link, { milliseconds: Math.min(due - nowOf(life), LONGEST_IDLE_MS), signal });
}

async function listen(
  life: Life,
  link: Link,
  { milliseconds, signal }: { readonly milliseconds: number; readonly signal: AbortSignal },
): Promise<void> {
  tell(life, { event: 'waiting', milliseconds });
  const until = nowOf(life) + milliseconds;
  while (nowOf(life) < until) await hear(life, link, { milliseconds: until - nowOf(life), signal });
}

function onlyStopped(error: unknown): void {
  if (!(error instanceof Stopped)) throw error;
}

const NEVER = new AbortController().signal;
/** Timers end at 24 days, and clocks are set: the time is looked at anew from time to time. */
const LONGEST_IDLE_MS = 3_600_000;
const LONGEST_REST_MS = 3_600_000;
const RENEWAL_GAP_MS = 3_600_000;
