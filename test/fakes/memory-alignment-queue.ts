// The queue to align-broker in memory: remembers what was asked for.
import type { AlignmentQueue } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

export class MemoryAlignmentQueue implements AlignmentQueue {
  /** Device ids, in order, repeats included. */
  readonly requested: string[] = [];
  readonly #faults = new Faults<'request'>();

  failNext(fault: PlannedFault<'request'>): void {
    this.#faults.failNext(fault);
  }

  request(device: string): Promise<void> {
    return this.#faults.run('request', () => {
      this.requested.push(device);
    });
  }
}
