// With what does an agent live in the tests? A factory identity, a disk in memory, a time that passes when nobody is waited for.
import { openAgent, type Agent, type AgentOptions } from '../../device/agent.ts';
import type { Broker, Identity } from '../../device/connect.ts';
import type { ReportedEvent } from '../../device/events.ts';
import { certificateIdOf } from '../../device/identities.ts';
import { openIdentityStore, type IdentityStore } from '../../device/identity-store.ts';
import { craftAuthority, craftDevice } from '../pki/crafted.ts';
import { keyOf, pemOf } from './small-broker.ts';
import { PowerDisk } from './power-disk.ts';

export const ID = 'acme-0001';
export const FOLDER = '/device';
const MAKER = craftAuthority({ name: 'Acme Device CA' });
const MADE = craftDevice({ name: '0001', issuer: MAKER });
export const FACTORY: Identity = { id: ID, certificate: pemOf(MADE), key: keyOf(MADE) };
export const FACTORY_ID = certificateIdOf(FACTORY.certificate);

/** Short pauses pass at once. Long ones are for somebody who should answer: they end when a test says so. */
export class VirtualTime {
  readonly pauses: number[] = [];
  readonly #waiting = new Map<() => void, number>();
  readonly #longFrom: number;
  #now = Date.parse('2026-11-24T12:00:00.000Z');

  constructor(longFrom = 30_000) {
    this.#longFrom = longFrom;
  }

  now(): string {
    return new Date(this.#now).toISOString();
  }

  set(time: string): void {
    this.#now = Date.parse(time);
  }

  readonly pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    this.pauses.push(milliseconds);
    if (milliseconds < this.#longFrom) {
      this.#now += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#waiting.delete(end);
        resolve();
      };
      this.#waiting.set(end, this.#now + milliseconds);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  };

  /** Nobody answers: every long pause ends. */
  expire(): void {
    const waiting = [...this.#waiting];
    this.#now = Math.max(this.#now, ...waiting.map(([, until]) => until));
    for (const [end] of waiting) end();
  }
}

export interface Stage {
  readonly agent: Agent;
  readonly store: IdentityStore;
  readonly time: VirtualTime;
  readonly events: readonly ReportedEvent[];
  readonly stop: AbortController;
  /** The next event of this name, from the first that was not yet asked for. */
  until<E extends ReportedEvent['event']>(event: E): Promise<Extract<ReportedEvent, { event: E }>>;
}

export interface StageWishes extends Partial<AgentOptions> {
  readonly disk?: PowerDisk;
  readonly time?: VirtualTime;
}

export function setStage(
  broker: Broker,
  { disk = new PowerDisk(), time = new VirtualTime(), ...wishes }: StageWishes = {},
): Stage {
  const store = wishes.store ?? openIdentityStore(FOLDER, FACTORY, disk);
  const events: ReportedEvent[] = [];
  let wake: () => void = () => undefined;
  const report = (event: ReportedEvent) => {
    events.push(event);
    wake();
  };
  const { mostRefusals } = wishes;
  const patience = mostRefusals === undefined ? {} : { mostBeforeFactory: mostRefusals };
  const world = { store, broker, clock: time, random: () => 0, pause: time.pause, report };
  const agent = openAgent({ ...world, ...patience, ...wishes });
  let seen = 0;
  return {
    agent,
    store,
    time,
    events,
    stop: new AbortController(),
    until: async (name) => {
      for (;;) {
        const at = events.findIndex(({ event }, index) => index >= seen && event === name);
        if (at >= 0) {
          seen = at + 1;
          return events[at] as never;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** Runs until the event, and ends cleanly. */
export async function runUntil(stage: Stage, event: ReportedEvent['event']): Promise<void> {
  const run = stage.agent.run(stage.stop.signal);
  await stage.until(event);
  stage.stop.abort();
  await run;
}

export function namesOf({ events }: Pick<Stage, 'events'>): readonly string[] {
  return events.map(({ event }) => event);
}
