// Which AWS do the contract tests of the adapters use? The local cloud of this checkout; what they make has random names
// and is removed at the end.
import { randomUUID } from 'node:crypto';

import { localUp, DEFAULT_FOLDER, type LocalCloud } from '../../cli/local/cloud.ts';

/** It is up already when the tests were started by the runner; then this returns at once. */
export function localAws(): Promise<LocalCloud> {
  return localUp({ folder: DEFAULT_FOLDER, progress: () => undefined });
}

/** What every SDK client needs to reach it. */
export function clientSettings({ endpoint, region, credentials }: LocalCloud) {
  return { endpoint, region, credentials };
}

export function randomName(): string {
  return `contract-${randomUUID()}`;
}

/** Undone in reverse order, all of it, also when one of them fails. */
export class Cleanup {
  readonly #steps: (() => Promise<unknown>)[] = [];

  later(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'contract tests left something in the local cloud');
  }
}
