// Step `change-trust`: whom does this deployment trust, and for what? Owners, manufacturer authorities, manifest
// signers, lots; each change is an act of a named principal (blueprint steps 1 and 3).
import { canonicalText, type Json } from '../../../shared/canonical.ts';
import type { TrustChange } from '../../../shared/governance/changes.ts';
import { ownerKey } from '../../../shared/identity/owner.ts';
import { STREAMS, type Detail } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, AuthorityRegistry } from '../../../shared/ports.ts';
import { lotKey, parseLot, type Lot } from '../../../shared/whitelist/lot.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { TRUST_ACT, type AddLot, type AddOwner, type TrustAct } from './act.ts';
import { addAnchor } from './anchors.ts';
import { moveBreaker } from './breaker.ts';
import { trustEntry, type Acted } from './record.ts';
import { addRevocationList } from './revocation-lists.ts';
import { setOwnerWishes } from './owner-wishes.ts';

export interface ChangeTrustWorld extends ActWorld {
  readonly authorities: AuthorityRegistry;
  readonly alignments: Pick<AlignmentQueue, 'requestAuthority'>;
}

export function changeTrust(event: unknown, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  return performAct(TRUST_ACT, event, world, ({ act, principal }) => decide(act, principal, world));
}

function decide(act: TrustAct, principal: string, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  switch (act.kind) {
    case 'add-owner':
      return addOwner({ act, principal }, world);
    case 'set-owner-wishes':
      return setOwnerWishes({ act, principal }, world);
    case 'add-lot':
      return addLot({ act, principal }, world);
    case 'add-revocation-list':
      return addRevocationList({ act, principal }, world);
    case 'open-breaker':
    case 'close-breaker':
      return moveBreaker({ act, principal }, world);
    case 'add-authority':
    case 'add-root':
    case 'add-signer':
    case 'add-voucher-key':
      return addAnchor({ act, principal }, world);
  }
}

/** A lot's terms are agreed once; more devices than agreed are released by two people, never by a new number. */
async function addLot({ act, principal }: Acted<AddLot>, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  const { kind, ...terms } = act;
  const lot: Lot = { version: 1, ...terms };
  const key = lotKey(act.manufacturer, act.lot);
  const [known] = await world.registry.read([key]);
  if (known !== undefined) {
    const same = canonicalText(parseLot(known) as Json) === canonicalText(lot as Json);
    return same ? done({ result: 'unchanged' }) : refused({ reason: 'lot-conflict', lot: act.lot });
  }
  const entry = trustEntry(
    { stream: STREAMS.lot(act.manufacturer, act.lot), principal, inputs: terms as Detail['inputs'] },
    world,
  );
  if ((await world.registry.commit([{ create: key, row: lot }, entry])) === 'committed')
    return done({ result: 'changed' });
  throw new Fault('comparison-lost', `lot "${act.lot}": agreed by another request meanwhile`);
}

async function addOwner({ act, principal }: Acted<AddOwner>, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  const key = ownerKey(act.owner);
  const row = { version: 1, owner: act.owner };
  const entry = trustEntry({ stream: STREAMS.owner(act.owner), principal, inputs: { ...act } }, world);
  // Create-only: an owner that is known already stays as it is.
  const result = await world.registry.commit([{ create: key, row }, entry]);
  return done({ result: result === 'committed' ? 'changed' : 'unchanged' });
}
