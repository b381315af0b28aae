// What runs a step? A process as AWS Lambda keeps it: every call it makes takes time, may be throttled, may go wrong as
// the seed says, and the process itself may be killed at any of them.
import type { Clock } from '../../shared/ports.ts';
import type { Chance } from './chance.ts';
import type { FaultInjector, FaultKind } from './fault-injector.ts';
import type { Message, Work } from './simulated-queue.ts';
import { siteOf } from './sites.ts';
import type { Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What every container of a run shares. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly faults: FaultInjector;
  readonly chance: Chance;
  /** Of a call to the broker; false: throttled. */
  readonly take: (method: string) => boolean;
  /** Each call of a port, by its site. */
  readonly onCall: (site: string) => void;
  /** How often the broker throttles without a reason. */
  readonly throttles: number;
  /** How far clocks of two processes may differ. */
  readonly skewMs: number;
  /** Errors that no port throws and no fault: defects. */
  readonly onUnexpected: (error: unknown, step: string) => void;
}

export type PortName = 'registry' | 'broker' | 'alignments' | 'authorities' | 'callers';

const LATENCY_MS: Readonly<Record<PortName, number>> = {
  registry: 5,
  broker: 40,
  alignments: 10,
  authorities: 60,
  callers: 40,
};
/** Of the AWS SDK: so many tries, with waits between them. */
const TRIES = 3;
const BACKOFF_MS = 200;
/** What the fence of align-broker counts on: whatever is sent under a lease has arrived before the lease ends. */
const LATE_MS = 3_000;
const SLEEP_MS = 120_000;

/** An answer of the other side, or none at all; a step knows nothing of it but that it was thrown. */
export class PortFailure extends Error {
  override readonly name = 'PortFailure';
}

export class Container {
  readonly clock: Clock;
  readonly #step: string;
  readonly #around: Surroundings;
  readonly #died: PromiseWithResolvers<never>;
  #dead = false;

  constructor(step: string, around: Surroundings) {
    this.#step = step;
    this.#around = around;
    this.#died = Promise.withResolvers<never>();
    this.#died.promise.catch(() => undefined);
    const skew = around.skewMs === 0 ? 0 : Math.round(around.chance.between(-around.skewMs, around.skewMs));
    this.clock = {
      now: () => new Date(around.time.ms + skew).toISOString(),
      pause: (milliseconds) => this.#pass(milliseconds),
    };
  }

  /** The same port, at a distance. */
  wire<P extends object>(name: PortName, port: P): P {
    return new Proxy(port, {
      get: (target, method) => {
        const member: unknown = Reflect.get(target, method, target);
        if (typeof member !== 'function' || typeof method !== 'string') return member;
        return (...values: unknown[]) => {
          const effect = () => Promise.resolve(Reflect.apply(member, target, values) as unknown);
          return this.#call({ port: name, method, values, effect });
        };
      },
    });
  }

  /** Rejects when the process is killed; what it was about to do, it never does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return Promise.race([work(), this.#died.promise]);
  }

  /** As functions/handle.ts does: all messages of a batch at once, and each that fails comes back alone. */
  work(answer: (message: Message) => Promise<object>): Work {
    return (batch) =>
      this.run(async () => {
        const failed = new Set<string>();
        await Promise.all(
          batch.map(async (message) => {
            try {
              await answer(message);
            } catch (error) {
              this.#around.onUnexpected(error, this.#step);
              failed.add(message.id);
            }
          }),
        );
        return failed;
      });
  }

  async #call(call: Call): Promise<unknown> {
    if (this.#dead) return never();
    const { time, trace, faults, chance } = this.#around;
    const site = `${this.#step} ${siteOf(call)}`;
    this.#around.onCall(site);
    const fault = faults.next(site);
    trace.note(time.ms, fault === undefined ? site : `${site} ! ${fault}`);
    switch (fault) {
      case undefined:
        return this.#send(call);
      case 'lost':
        await this.#pass(LATENCY_MS[call.port]);
        throw new PortFailure(`${site}: lost`);
      case 'throttled':
        return this.#send({ ...call, throttled: true });
      case 'kept':
        await this.#send(call);
        throw new PortFailure(`${site}: answer lost`);
      case 'twice':
        return this.#sendTwice(call);
      case 'late':
        await this.#pass(chance.between(200, LATE_MS));
        return this.#send(call);
      case 'slept':
        return this.#sleepAfter(this.#send(call));
      case 'killed-before':
      case 'killed-after':
        return this.#dieAt(call, fault);
    }
  }

  async #sleepAfter(answer: Promise<unknown>): Promise<unknown> {
    const value = await answer;
    await this.#pass(this.#around.chance.between(1_000, SLEEP_MS));
    return value;
  }

  async #dieAt(call: Call, fault: FaultKind): Promise<never> {
    if (fault === 'killed-after') await this.#send(call);
    this.#dead = true;
    this.#died.reject(new PortFailure(`${this.#step}: killed`));
    return never();
  }

  /** A transaction carries a token, by which DynamoDB knows the second as the first; other calls are simply made again. */
  async #sendTwice(call: Call): Promise<unknown> {
    const first = await this.#send(call);
    if (call.method !== 'commit') return this.#send(call);
    await this.#pass(LATENCY_MS[call.port]);
    return first;
  }

  async #send({ port, method, effect, throttled = false }: Call): Promise<unknown> {
    const { chance, take, throttles } = this.#around;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      await this.#pass(LATENCY_MS[port] * (this.#around.skewMs === 0 ? 1 : chance.between(0.5, 2)));
      const busy = throttled || (port === 'broker' && ((throttles > 0 && chance.happens(throttles)) || !take(method)));
      if (!busy) return effect();
      if (attempt < TRIES) await this.#pass(chance.between(0.5, 1) * BACKOFF_MS * 2 ** attempt);
    }
    throw new PortFailure(`${port}.${method}: ThrottlingException`);
  }

  async #pass(milliseconds: number): Promise<void> {
    await this.#around.time.pause(milliseconds);
    if (this.#dead) await never();
  }
}

interface Call {
  readonly port: PortName;
  readonly method: string;
  readonly values: readonly unknown[];
  readonly effect: () => Promise<unknown>;
  readonly throttled?: boolean;
}

/** What a process that is gone waits for. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}
