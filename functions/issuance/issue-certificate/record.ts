// What does the ledger say of an issuance? Each part names the request, and the certificate over which it was made.
import type { Json } from '../../../shared/canonical.ts';
import type { Intent } from '../../../shared/issuance/intent.ts';
import { recordEntry, type EntryKind } from '../../../shared/ledger/entry.ts';
import type { IssueCertificateWorld } from './flow.ts';

export interface IssuanceRecord {
  readonly intent: Intent;
  readonly stream: string;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly inputs: Readonly<Record<string, Json>>;
}

export function issuanceEntry({ intent, stream, seq, kind, inputs }: IssuanceRecord, world: IssueCertificateWorld) {
  const { owner, device, over } = intent;
  const actor = { kind: 'certificate', certificateId: over } as const;
  const detail = { actor, decision: 'done', owner, device, inputs, requestId: world.requestId } as const;
  return recordEntry({ stream, seq, kind, time: world.clock.now(), detail }, world.random);
}
