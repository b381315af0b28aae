// Where revocation lists are found, in memory: keeps copies, as a store of objects does.
import type { RevocationListStore } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'read' | 'write';

export class MemoryRevocationListStore implements RevocationListStore {
  /** Names that were written, in order, repeats included. */
  readonly written: string[] = [];
  readonly #objects = new Map<string, Uint8Array>();
  readonly #faults = new Faults<Method>();

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  read(key: string): Promise<Uint8Array | undefined> {
    return this.#faults.run('read', () => copy(this.#objects.get(key)));
  }

  write(key: string, bytes: Uint8Array): Promise<void> {
    return this.#faults.run('write', () => {
      this.#objects.set(key, new Uint8Array(bytes));
      this.written.push(key);
    });
  }
}

function copy(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes);
}
