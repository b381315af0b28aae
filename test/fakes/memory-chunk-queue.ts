// The queue to list-devices in memory: remembers what was asked for.
import type { ChunkQueue, ChunkRequest } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

export class MemoryChunkQueue implements ChunkQueue {
  /** In order, repeats included; copies, as a message is. */
  readonly requested: ChunkRequest[] = [];
  readonly #faults = new Faults<'request'>();

  get calls(): readonly 'request'[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<'request'>): void {
    this.#faults.failNext(fault);
  }

  request(chunk: ChunkRequest): Promise<void> {
    return this.#faults.run('request', () => {
      this.requested.push({ ...chunk });
    });
  }
}
