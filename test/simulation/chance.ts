// What happens by chance? Only what a seed says: the same seed is the same chance, on every machine.
import { hash } from 'node:crypto';

/** sfc32 by Chris Doty-Humphrey, seeded by SHA-256; each purpose has a stream of its own, so that one disturbs no other. */
export class Chance {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: string) {
    this.#seed = seed;
    const bytes = hash('sha256', seed, 'buffer');
    this.#state = Uint32Array.from([0, 4, 8, 12], (at) => bytes.readUInt32LE(at));
  }

  for(purpose: string): Chance {
    return new Chance(`${this.#seed} ${purpose}`);
  }

  /** From 0 to below 1. */
  next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state;
    const drawn = (a + b + counter) >>> 0;
    this.#state.set([b ^ (b >>> 9), c + (c << 3), ((c << 21) | (c >>> 11)) + drawn, counter + 1]);
    return drawn / 2 ** 32;
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  between(least: number, below: number): number {
    return least + this.next() * (below - least);
  }

  /** Whole numbers from 0 to below. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0];
  }
}
