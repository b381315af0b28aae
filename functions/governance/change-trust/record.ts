// What does the ledger say of a change of trust?
import { recordEntry, type Detail, type EntryKind } from '../../../shared/ledger/entry.ts';
import type { ActWorld } from '../../perform-act.ts';

export interface Acted<A> {
  readonly act: A;
  readonly principal: string;
}

export interface TrustRecord {
  readonly stream: string;
  /** Version of the row that changes; 1 for rows that never do. */
  readonly seq?: number;
  readonly kind?: EntryKind;
  readonly principal: string;
  readonly inputs: Detail['inputs'];
}

export function trustEntry(
  { stream, seq = 1, kind = 'trust-changed', principal, inputs }: TrustRecord,
  { requestId, clock, random }: Pick<ActWorld, 'requestId' | 'clock' | 'random'>,
) {
  const detail = { actor: { kind: 'iam', principal }, decision: 'done', inputs, requestId } as const;
  return recordEntry({ stream, seq, kind, time: clock.now(), detail }, random);
}
