// The queue to a signer beside an HSM, in memory: remembers what was ordered.
import type { SigningOrder, SigningQueue } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

export class MemorySigningQueue implements SigningQueue {
  /** In order, repeats included. */
  readonly requested: SigningOrder[] = [];
  readonly #faults = new Faults<'request'>();

  get calls(): readonly 'request'[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<'request'>): void {
    this.#faults.failNext(fault);
  }

  request(order: SigningOrder): Promise<void> {
    return this.#faults.run('request', () => {
      this.requested.push(order);
    });
  }
}
