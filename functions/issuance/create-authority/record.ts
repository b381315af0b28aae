// What does the ledger say of an authority? The record of its ceremony: who, when, which keys, and digests of what they signed.
import { createHash } from 'node:crypto';

import { approvalDigest, type Approval } from '../../../shared/governance/approval.ts';
import type { AuthorityTerms } from '../../../shared/issuance/authority.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import type { CreateAuthorityWorld } from './flow.ts';

export function requestEntry(approval: Approval, terms: AuthorityTerms, world: CreateAuthorityWorld) {
  const { id, version: seq, requester, expiresAt, act } = approval;
  const { kind, ...asked } = act as Extract<Approval['act'], { kind: 'create-authority' }>;
  const ceremony = ceremonyOf(terms);
  const inputs = { act: kind, ...asked, ...ceremony, requester, expiresAt, digest: approvalDigest(approval) };
  const actor = { kind: 'iam', principal: requester } as const;
  const detail = { actor, decision: 'done', owner: terms.owner, inputs, requestId: world.requestId } as const;
  const draft = {
    stream: STREAMS.approval(id),
    seq,
    kind: 'approval-requested',
    time: world.clock.now(),
    detail,
  } as const;
  return recordEntry(draft, world.random);
}

export interface CreationRecord {
  readonly approval: Approval;
  readonly terms: AuthorityTerms;
  readonly fingerprint: string;
  readonly caCertificateId: string;
  readonly principal: string;
}

export function creationEntry(
  { approval, terms, fingerprint, caCertificateId, principal }: CreationRecord,
  { clock, random, requestId }: CreateAuthorityWorld,
) {
  const { id, requester, approver = '' } = approval;
  const people = { approval: id, requester, approver };
  const inputs = { ...people, fingerprint, caCertificateId, ...ceremonyOf(terms) };
  const actor = { kind: 'iam', principal } as const;
  const detail = { actor, decision: 'done', owner: terms.owner, inputs, requestId } as const;
  const stream = STREAMS.issuing(fingerprint);
  return recordEntry({ stream, seq: 1, kind: 'authority-created', time: clock.now(), detail }, random);
}

/** Public parts whole, or by their digest; the sealed private part of the delivery key by its digest only. */
function ceremonyOf({ certificate, root, algorithm, home, rootHome, validityDays, crlUrl, delivery }: AuthorityTerms) {
  return {
    ...{ algorithm, home: { ...home }, rootHome, validityDays, crlUrl },
    certificates: { root: digest(root), issuing: digest(certificate), delivery: digest(delivery.certificate) },
    delivery: { keyArn: delivery.keyArn, sealed: digest(delivery.sealed) },
  };
}

function digest(base64: string): string {
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
}
