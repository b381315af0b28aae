// What AWS KMS says of keys that were made at run time, in memory.
import type { KeyDescription, KeyInspector } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

export class MemoryKeyInspector implements KeyInspector {
  readonly #keys = new Map<string, KeyDescription>();
  readonly #faults = new Faults<'describe'>();

  get calls(): readonly 'describe'[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<'describe'>): void {
    this.#faults.failNext(fault);
  }

  /** Sets the scene; undefined takes the key away. */
  seed(keyArn: string, key: KeyDescription | undefined): void {
    if (key === undefined) this.#keys.delete(keyArn);
    else this.#keys.set(keyArn, key);
  }

  describe(keyArn: string): Promise<KeyDescription | undefined> {
    return this.#faults.run('describe', () => this.#keys.get(keyArn));
  }
}
