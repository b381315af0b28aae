// What if this call fails? Every fake can be told to fail its next call, before its effect or after it: an answer that
// was lost looks the same to the caller, but the world has changed.

export interface PlannedFault<M extends string> {
  readonly on: M;
  /** True: the effect stays and only the answer is lost. */
  readonly kept: boolean;
  /** How many calls of this method pass before; none unless told. */
  readonly after?: number;
}

/** What a fake throws when it was told to fail. */
export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

export class Faults<M extends string> {
  /** Names of the methods that were called, in order, failing ones as well. */
  readonly calls: M[] = [];
  readonly #planned: { on: M; kept: boolean; after: number }[] = [];

  failNext({ on, kept, after = 0 }: PlannedFault<M>): void {
    this.#planned.push({ on, kept, after });
  }

  run<T>(method: M, effect: () => T | Promise<T>): Promise<T> {
    this.calls.push(method);
    const fault = this.#due(method);
    return fault === undefined ? settle(effect) : fail(fault, effect);
  }

  /** For effects that are no promise, such as the pieces of a stream. */
  check(method: M): void {
    this.calls.push(method);
    if (this.#due(method) !== undefined) throw new InjectedFault(`${method}: told to fail`);
  }

  #due(method: M): { kept: boolean } | undefined {
    const index = this.#planned.findIndex(({ on }) => on === method);
    const fault = this.#planned[index];
    if (fault === undefined) return undefined;
    if (fault.after > 0) {
      fault.after -= 1;
      return undefined;
    }
    this.#planned.splice(index, 1);
    return fault;
  }
}

async function settle<T>(effect: () => T | Promise<T>): Promise<T> {
  return effect();
}

async function fail<T>({ kept }: { kept: boolean }, effect: () => T | Promise<T>): Promise<T> {
  if (kept) await effect();
  throw new InjectedFault(kept ? 'told to fail after the effect' : 'told to fail before the effect');
}
