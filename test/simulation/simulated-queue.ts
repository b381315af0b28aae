// How does work arrive? As from Amazon SQS: at least once, in any order, hidden while somebody works on it, and after five
// receives among the dead letters. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
import type { Chance } from './chance.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Message {
  readonly id: string;
  readonly body: string;
}

/** Ids of the messages that failed; a rejection means that all of them are as they were: nobody answered. */
export type Work = (batch: readonly Message[]) => Promise<ReadonlySet<string>>;

export interface Delivery {
  /** How often a message is delivered twice. */
  readonly duplicates: number;
  /** A message may be overtaken by so many. */
  readonly window: number;
}

export interface QueueTerms extends Delivery {
  readonly name: string;
  /** Six times what the function may take, as Lambda advises. */
  readonly visibilityMs: number;
  /** How many workers at once. */
  readonly concurrency: number;
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** One for each worker: what a process keeps, it keeps from batch to batch. */
  readonly hire: () => Work;
}

interface Stored extends Message {
  receives: number;
  deleted: boolean;
}

const BATCH = 10;
const MOST_RECEIVES = 5;
const TRANSIT_MS = 20;

export class SimulatedQueue {
  readonly deadLetters: Message[] = [];
  sent = 0;
  duplicated = 0;
  readonly #terms: QueueTerms;
  readonly #idle: Work[] = [];
  #waiting: Stored[] = [];
  #head = 0;
  #numbers = 0;
  #kept = 0;

  constructor(terms: QueueTerms) {
    this.#terms = terms;
    for (let worker = 0; worker < terms.concurrency; worker += 1) this.#idle.push(terms.hire());
  }

  /** Messages that wait or that somebody works on. */
  get length(): number {
    return this.#kept;
  }

  send(body: string): void {
    this.sent += 1;
    const { chance, duplicates } = this.#terms;
    const twice = duplicates > 0 && chance.happens(duplicates);
    if (twice) this.duplicated += 1;
    this.#numbers += 1;
    const id = `${this.#terms.name}-${this.#numbers}`;
    for (let copy = 0; copy < (twice ? 2 : 1); copy += 1) this.#arrive({ id, body, receives: 0, deleted: false });
  }

  #arrive(message: Stored): void {
    this.#kept += 1;
    this.#terms.time.after(TRANSIT_MS, () => {
      this.#waiting.push(message);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#waiting.length > this.#head) {
      const batch = this.#receive();
      const work = this.#idle.shift();
      if (batch.length > 0 && work !== undefined) void this.#workOn(batch, work);
      else if (work !== undefined) this.#idle.unshift(work);
    }
  }

  #receive(): Stored[] {
    const batch: Stored[] = [];
    while (batch.length < BATCH && this.#waiting.length > this.#head) {
      const message = this.#takeOne();
      // A worker that was slower than the visibility timeout has finished it meanwhile.
      if (message.deleted) continue;
      message.receives += 1;
      if (message.receives > MOST_RECEIVES) this.#giveUp(message);
      else batch.push(message);
    }
    return batch;
  }

  #takeOne(): Stored {
    const { window, chance } = this.#terms;
    const ahead = window > 1 ? chance.below(Math.min(window, this.#waiting.length - this.#head)) : 0;
    const [first, chosen] = [this.#waiting[this.#head], this.#waiting[this.#head + ahead]];
    if (first === undefined || chosen === undefined) throw new RangeError('expected a message that waits');
    this.#waiting[this.#head + ahead] = first;
    this.#head += 1;
    if (this.#head > 4096) [this.#waiting, this.#head] = [this.#waiting.slice(this.#head), 0];
    return chosen;
  }

  async #workOn(batch: readonly Stored[], work: Work): Promise<void> {
    this.#terms.time.after(this.#terms.visibilityMs, () => {
      this.#waiting.push(...batch.filter(({ deleted }) => !deleted));
      this.#dispatch();
    });
    // A worker that was killed is replaced; its messages come back when their time is over.
    const failed = await work(batch).catch(() => undefined);
    if (failed !== undefined) for (const message of batch) if (!failed.has(message.id)) this.#delete(message);
    this.#idle.push(failed === undefined ? this.#terms.hire() : work);
    this.#dispatch();
  }

  #giveUp(message: Stored): void {
    this.deadLetters.push(message);
    this.#delete(message);
  }

  #delete(message: Stored): void {
    if (!message.deleted) this.#kept -= 1;
    message.deleted = true;
  }
}
