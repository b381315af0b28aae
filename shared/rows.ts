// How does a stored row become a typed value again? By the schema of its chapter, or not at all.
import type * as z from 'zod';

import { Fault } from './outcome.ts';

/** `what` names the kind of row in the fault. Anything unexpected is a fault, never a default. */
export function parseRow<S extends z.ZodType>(schema: S, row: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', what, { cause: parsed.error });
}
