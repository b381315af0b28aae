// How does an approved authority come to sign? IoT Core learns its CA, and one transaction names it the owner's.
import { toPem } from '../../../shared/identity/certificate.ts';
import type { Approval } from '../../../shared/governance/approval.ts';
import {
  authorityRow,
  issuingKey,
  ownerAuthorityKey,
  parseIssuing,
  parsePointer,
  type AuthorityPointer,
  type AuthorityTerms,
  type IssuingAuthority,
} from '../../../shared/issuance/authority.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import type { CreateAuthorityWorld } from './flow.ts';
import { creationEntry } from './record.ts';

export interface Installing {
  readonly approval: Approval;
  readonly terms: AuthorityTerms;
  readonly principal: string;
}

export interface Installed {
  readonly result: 'created' | 'unchanged';
  readonly authority: IssuingAuthority;
}

export async function install(
  { approval, terms, principal }: Installing,
  world: CreateAuthorityWorld,
): Promise<Installed> {
  const { registry, authorities, clock } = world;
  if (approval.act.kind !== 'create-authority')
    throw new Fault('row-malformed', `approval "${approval.id}": of another act`);
  const { issuing: fingerprint } = approval.act;
  const [present, pointed] = await registry.read([issuingKey(fingerprint), ownerAuthorityKey(terms.owner)]);
  if (present !== undefined) return { result: 'unchanged', authority: parseIssuing(present) };
  // IoT Core first, and idempotent there. A crash here leaves a CA that takes in nothing and signs for nobody.
  const caCertificateId = await authorities.registerIssuing(toPem(terms.certificate));
  const now = clock.now();
  const row = authorityRow(terms, { caCertificateId, approval: approval.id, now });
  const changes: Change[] = [
    { create: issuingKey(fingerprint), row },
    point(pointed, terms.owner, fingerprint),
    creationEntry({ approval, terms, fingerprint, caCertificateId, principal }, world),
  ];
  if ((await registry.commit(changes)) === 'lost')
    throw new Fault('comparison-lost', `authority of "${terms.owner}": made by another request meanwhile`);
  return { result: 'created', authority: parseIssuing(row) };
}

/** From now on this one signs; what the one before has signed stays valid, and on its own list. */
function point(pointed: unknown, owner: string, fingerprint: string): Change {
  const key = ownerAuthorityKey(owner);
  if (pointed === undefined) return { create: key, row: { version: 1, fingerprint } };
  const previous = parsePointer(pointed);
  const next: AuthorityPointer = { version: previous.version + 1, fingerprint };
  return { replace: key, previous, next };
}
