// Step `change-trust`, owners: what an owner wishes when a key seems to be in two places, or a certificate ended in storage.
import { canonicalText, type Json } from '../../../shared/canonical.ts';
import type { TrustChange } from '../../../shared/governance/changes.ts';
import { ownerKey, parseOwner, type Owner } from '../../../shared/identity/owner.ts';
import { STREAMS } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { SetOwnerWishes } from './act.ts';
import type { ChangeTrustWorld } from './flow.ts';
import { trustEntry, type Acted } from './record.ts';

/** What the act does not name stays as it was. */
export async function setOwnerWishes(
  { act, principal }: Acted<SetOwnerWishes>,
  world: ChangeTrustWorld,
): Promise<Outcome<TrustChange>> {
  const { kind, owner, ...wishes } = act;
  const key = ownerKey(owner);
  const [row] = await world.registry.read([key]);
  if (row === undefined) return refused({ reason: 'owner-unknown', owner });
  const previous = parseOwner(row);
  const wished: Owner = { ...previous, ...wishes };
  if (canonicalText(wished as Json) === canonicalText(previous as Json)) return done({ result: 'unchanged' });
  const next = { ...wished, version: previous.version + 1 };
  const inputs = { owner, ...wishes } as Readonly<Record<string, Json>>;
  const entry = trustEntry({ stream: STREAMS.owner(owner), seq: next.version, principal, inputs }, world);
  if ((await world.registry.commit([{ replace: key, previous, next }, entry])) === 'committed')
    return done({ result: 'changed' });
  throw new Fault('comparison-lost', `owner "${owner}": changed by another request meanwhile`);
}
