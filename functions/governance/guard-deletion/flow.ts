// Step `guard-deletion`: may the stack be deleted? Not while devices hang on it: CloudFormation cannot remove an IoT
// policy that is attached, and would stop half-way with devices cut off.
import { AUTHORITIES } from '../../../shared/identity/anchor.ts';
import { ISSUING, parseIssuing } from '../../../shared/issuance/authority.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AuthorityRegistry, Broker, Registry } from '../../../shared/ports.ts';

export interface GuardDeletionWorld {
  readonly registry: Registry;
  readonly broker: Pick<Broker, 'listPolicyTargets'>;
  readonly authorities: Pick<AuthorityRegistry, 'isRegistered'>;
  /** Names of the deployment's IoT policies. */
  readonly policies: readonly string[];
}

/** Looks only; `wardkey teardown` is what removes. */
export async function guardDeletion(world: GuardDeletionWorld): Promise<Outcome<'free'>> {
  const targets = await Promise.all(world.policies.map((policy) => world.broker.listPolicyTargets(policy)));
  const certificates = new Set(targets.flat()).size;
  const makers = await world.registry.list(AUTHORITIES.table, AUTHORITIES.pk, '');
  const owners = await world.registry.list(ISSUING.table, ISSUING.pk, '');
  const ids = [...makers.map(({ sk }) => sk), ...owners.map((row) => parseIssuing(row).caCertificateId)];
  const registered = await Promise.all(ids.map((id) => world.authorities.isRegistered(id)));
  const authorities = registered.filter(Boolean).length;
  if (certificates === 0 && authorities === 0) return done('free');
  return refused({ reason: 'devices-remain', certificates, authorities });
}
