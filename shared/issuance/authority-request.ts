// What was asked for, while a second person looks at it?
import * as z from 'zod';

import { parseRow } from '../rows.ts';
import { AUTHORITY_TERMS } from './authority.ts';

const ROW = z.object({ version: z.literal(1), terms: AUTHORITY_TERMS });

export type AuthorityRequest = z.infer<typeof ROW>;

export function authorityRequestKey(approval: string) {
  return { table: 'owners', pk: `approval#${approval}`, sk: 'authority' } as const;
}

export function parseAuthorityRequest(row: unknown): AuthorityRequest {
  return parseRow(ROW, row, 'authority request row');
}
