// What was decided of a delivery? One row per delivered signature, by the version that S3 gave it.
import * as z from 'zod';

import { Fault } from '../outcome.ts';

const ROW = z.object({
  version: z.int().min(1),
  /** `imported`, or the reason why nothing of the file was taken. */
  decision: z.string(),
});

export type StoredImport = z.infer<typeof ROW>;

export function importKey(signatureVersion: string) {
  return { table: 'whitelist', pk: `import#${signatureVersion}`, sk: 'row' } as const;
}

export function parseImport(row: unknown): StoredImport {
  const parsed = ROW.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', 'import row', { cause: parsed.error });
}
