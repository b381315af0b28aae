// What happened in a run? Its hash says whether two runs were the same; its last steps say where one broke.
import { createHash } from 'node:crypto';

const KEPT = 30;

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];
  readonly #tell: ((line: string) => void) | undefined;
  #steps = 0;

  /** `tell` hears every step, not only the last ones. */
  constructor(tell?: (line: string) => void) {
    this.#tell = tell;
  }

  get steps(): number {
    return this.#steps;
  }

  note(ms: number, step: string): void {
    this.#steps += 1;
    const line = `${ms} ${step}`;
    this.#hash.update(line).update('\n');
    this.#tell?.(line);
    this.#last.push(line);
    if (this.#last.length > 2 * KEPT) this.#last.splice(0, KEPT);
  }

  last(): readonly string[] {
    return this.#last.slice(-KEPT);
  }

  /** SHA-256 over all steps so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
