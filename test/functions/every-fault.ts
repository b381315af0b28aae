// What if any one call fails? Runs a step once without a fault to learn its calls, then once for each call and each way
// to fail: before the effect (the request was lost) and after it (only the answer was lost).
import type { PlannedFault } from '../fakes/faults.ts';

/** A fake that can fail, and the names of the calls it has seen. */
export interface Faulty {
  readonly calls: readonly string[];
  failNext(fault: PlannedFault<never>): void;
}

export interface FaultPoint extends PlannedFault<string> {
  readonly fake: string;
  readonly after: number;
}

/** Every call that `run` makes on the fakes, failing and lost and failing but kept. */
export async function faultPoints(
  fakes: Readonly<Record<string, Faulty>>,
  run: () => Promise<unknown>,
): Promise<readonly FaultPoint[]> {
  const before = Object.entries(fakes).map(([fake, { calls }]) => [fake, calls.length] as const);
  await run();
  return before.flatMap(([fake, start]) => {
    const calls = (fakes[fake]?.calls ?? []).slice(start);
    return calls.flatMap((on, index) => {
      const after = calls.slice(0, index).filter((name) => name === on).length;
      return [false, true].map((kept) => ({ fake, on, after, kept }));
    });
  });
}

export function plan(fakes: Readonly<Record<string, Faulty>>, { fake, on, after, kept }: FaultPoint): void {
  fakes[fake]?.failNext({ on: on as never, after, kept });
}
