// Which call goes wrong, and how? Chosen by the seed, the place of the call and how often it was made.
import { hash } from 'node:crypto';

import type { Chance } from './chance.ts';

export const FAULT_KINDS = [
  /** The request never arrived. */
  'lost',
  /** Only the answer was lost: the effect stays. */
  'kept',
  /** Throttled until the SDK gives up. */
  'throttled',
  /** The answer was lost, and the SDK sent the call again. */
  'twice',
  /** The request arrives seconds later. */
  'late',
  /** The worker sleeps after the answer, for longer than a lease if it must be. */
  'slept',
  /** The worker is killed before its request leaves. */
  'killed-before',
  /** The worker is killed before the answer comes. */
  'killed-after',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Injection {
  readonly seed: number;
  readonly chance: Chance;
  /** How often a call goes wrong; the first calls at a place do so more often, so that rare places are met as well. */
  readonly rate: number;
  /** How often `align-broker` sleeps after a call of the broker, besides. */
  readonly sleepers: number;
}

const SLEEPY = 'align-broker broker.';
const FIRST_CALLS = 3;
const FIRST_RATE = 0.3;
/** A place that is met for the first time after so many calls is a rare one: nearly always it goes wrong there. */
const RARE_AFTER = 800;

export class FaultInjector {
  /** How often each kind was met, by place. */
  readonly hits = new Map<string, Map<FaultKind, number>>();
  readonly #calls = new Map<string, number>();
  readonly #injection: Injection | undefined;
  #total = 0;
  #stopped = false;

  constructor(injection?: Injection) {
    this.#injection = injection;
  }

  stop(): void {
    this.#stopped = true;
  }

  get isRaging(): boolean {
    return this.#injection !== undefined && !this.#stopped;
  }

  next(site: string): FaultKind | undefined {
    if (this.#injection === undefined || this.#stopped) return undefined;
    const { chance, seed } = this.#injection;
    const calls = this.#calls.get(site) ?? 0;
    this.#calls.set(site, calls + 1);
    const met = this.#metAt(site);
    this.#total += 1;
    if (site.startsWith(SLEEPY) && chance.happens(this.#injection.sleepers)) return this.#meet(met, 'slept');
    if (!chance.happens(this.#rateAt(calls, this.#injection.rate))) return undefined;
    const before = [...met.values()].reduce((sum, count) => sum + count, 0);
    const kind = FAULT_KINDS[(seed + numberOf(site) + before) % FAULT_KINDS.length] ?? 'lost';
    return this.#meet(met, kind);
  }

  #meet(met: Map<FaultKind, number>, kind: FaultKind): FaultKind {
    met.set(kind, (met.get(kind) ?? 0) + 1);
    return kind;
  }

  #rateAt(calls: number, rate: number): number {
    if (calls === 0) return Math.min(0.9, FIRST_RATE + this.#total / RARE_AFTER);
    return calls < FIRST_CALLS ? FIRST_RATE : rate;
  }

  #metAt(site: string): Map<FaultKind, number> {
    const met = this.hits.get(site) ?? new Map<FaultKind, number>();
    this.hits.set(site, met);
    return met;
  }
}

/** So that not all places meet the same kind in one run. */
function numberOf(site: string): number {
  return Number.parseInt(hash('sha256', site).slice(0, 8), 16);
}
