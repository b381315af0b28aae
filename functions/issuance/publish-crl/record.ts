// What does the ledger say of a revocation list?
import type { Json } from '../../../shared/canonical.ts';
import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import type { ListState } from '../../../shared/issuance/list-state.ts';
import { recordEntry, STREAMS, type EntryKind } from '../../../shared/ledger/entry.ts';
import type { PublishCrlWorld } from './flow.ts';

export interface ListRecord {
  readonly authority: IssuingAuthority;
  readonly state: ListState;
  readonly kind: Extract<EntryKind, 'revocation-list-intended' | 'revocation-list-published'>;
  readonly inputs: Readonly<Record<string, Json>>;
}

/** Two entries for each list: what was going to be signed, and that it was published. */
export function listEntry({ authority, state, kind, inputs }: ListRecord, world: PublishCrlWorld) {
  const { owner, certificate } = authority;
  const issuer = certificate.fingerprint;
  const actor = { kind: 'step', step: 'publish-crl' } as const;
  const facts = { issuer, number: state.number, ...inputs };
  const detail = { actor, decision: 'done', owner, inputs: facts, requestId: world.requestId } as const;
  const stream = STREAMS.list(issuer);
  const seq = kind === 'revocation-list-intended' ? 2 * state.number - 1 : 2 * state.number;
  return recordEntry({ stream, seq, kind, time: world.clock.now(), detail }, world.random);
}
