// Step `change-trust`: whom does this deployment trust, and for what? Owners, manufacturer authorities, manifest
// signers; each change is an act of a named principal (blueprint steps 1 and 3).
import { anchorClaimKey, anchorKey, anchorRow, authorityKey, ownerKey } from '../../../shared/identity/anchor.ts';
import {
  parseAnchorClaim,
  type Anchor,
  type AnchorClaim,
  type AnchorPurpose,
} from '../../../shared/identity/anchor.ts';
import { checkKey } from '../../../shared/identity/acceptable-key.ts';
import { parsePemCertificate, type Certificate } from '../../../shared/identity/certificate.ts';
import { recordEntry, STREAMS, type Detail } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AuthorityRegistry, Change } from '../../../shared/ports.ts';
import { lotKey, parseLot, type Lot } from '../../../shared/whitelist/lot.ts';
import { canonicalText, type Json } from '../../../shared/canonical.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { TRUST_ACT, type AddAnchor, type AddLot, type AddOwner, type TrustAct } from './act.ts';

export interface ChangeTrustWorld extends ActWorld {
  readonly authorities: AuthorityRegistry;
}

export interface TrustChange {
  readonly result: 'changed' | 'unchanged';
  /** SHA-256 of the certificate, for anchors. */
  readonly fingerprint?: string;
}

const PURPOSES = {
  'add-authority': 'authority',
  'add-root': 'root',
  'add-signer': 'signer',
  'add-voucher-key': 'voucher',
} as const satisfies Readonly<Record<AddAnchor['kind'], AnchorPurpose>>;

interface Acted<A> {
  readonly act: A;
  readonly principal: string;
}

export function changeTrust(event: unknown, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  return performAct(TRUST_ACT, event, world, ({ act, principal }) => decide(act, principal, world));
}

function decide(act: TrustAct, principal: string, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  if (act.kind === 'add-owner') return addOwner({ act, principal }, world);
  if (act.kind === 'add-lot') return addLot({ act, principal }, world);
  return addAnchor({ act, principal }, world);
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

async function addAnchor({ act, principal }: Acted<AddAnchor>, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  // 1 Parse the certificate; an authority must be able to issue, or every device under it would fail later.
  const certificate = parsePemCertificate(act.certificate);
  if (certificate.outcome === 'refused') return certificate;
  const anchor: Anchor = {
    version: 1,
    purpose: PURPOSES[act.kind],
    manufacturer: act.manufacturer,
    certificate: certificate.value,
  };
  const { fingerprint } = certificate.value;
  // A signature by a key that anybody can find proves nothing (T017).
  const strong = checkKey(certificate.value);
  if (strong.outcome === 'refused') return strong;
  if ((anchor.purpose === 'authority' || anchor.purpose === 'root') && !certificate.value.isAuthority) {
    return refused({ reason: 'not-an-authority', fingerprint });
  }
  // 2 Decide: one certificate is trusted for one purpose of one manufacturer.
  const [claimed] = await world.registry.read([anchorClaimKey(fingerprint)]);
  const wanted = describe(anchor);
  const present = claimed === undefined ? undefined : describe(parseAnchorClaim(claimed));
  if (present !== undefined && present !== wanted) {
    return refused({ reason: 'anchor-conflict', fingerprint, expected: present, got: wanted });
  }
  // 3 Act: IoT Core first. A crash here leaves a CA at the broker that no row knows; its devices are refused.
  const changes = claimed === undefined ? anchorChanges(anchor, principal, world) : [];
  if (anchor.purpose === 'authority')
    changes.push(...(await registerAuthority(certificate.value, anchor, principal, world)));
  if (changes.length === 0) return done({ result: 'unchanged', fingerprint });
  // 4 Record and trust in one transaction.
  if ((await world.registry.commit(changes)) === 'committed') return done({ result: 'changed', fingerprint });
  throw new Fault('comparison-lost', `anchor "${fingerprint}": somebody else changed it at the same time`);
}

function anchorChanges(anchor: Anchor, principal: string, world: ChangeTrustWorld): Change[] {
  const { fingerprint } = anchor.certificate;
  const claim: AnchorClaim = { version: 1, purpose: anchor.purpose, manufacturer: anchor.manufacturer };
  return [
    { create: anchorClaimKey(fingerprint), row: claim },
    { create: anchorKey(anchor.manufacturer, anchor.purpose, fingerprint), row: anchorRow(anchor) },
    trustEntry({ stream: STREAMS.anchor(fingerprint), principal, inputs: { ...claim, fingerprint } }, world),
  ];
}

/** Idempotent at the broker: also brings back a CA that a teardown removed. */
async function registerAuthority(
  { x509, fingerprint }: Certificate,
  { manufacturer }: Anchor,
  principal: string,
  world: ChangeTrustWorld,
): Promise<Change[]> {
  const id = await world.authorities.register(x509.toString());
  const [known] = await world.registry.read([authorityKey(id)]);
  if (known !== undefined) return [];
  const row = { version: 1, fingerprint, manufacturer };
  const entry = trustEntry({ stream: STREAMS.authority(id), principal, inputs: { ...row, authority: id } }, world);
  return [{ create: authorityKey(id), row }, entry];
}

function describe({ purpose, manufacturer }: Pick<Anchor, 'purpose' | 'manufacturer'>): string {
  return `${purpose} of ${manufacturer}`;
}

interface TrustRecord {
  readonly stream: string;
  readonly principal: string;
  readonly inputs: Detail['inputs'];
}

function trustEntry({ stream, principal, inputs }: TrustRecord, world: ChangeTrustWorld) {
  const { requestId } = world;
  const detail = { actor: { kind: 'iam', principal }, decision: 'done', inputs, requestId } as const;
  return recordEntry({ stream, seq: 1, kind: 'trust-changed', time: world.clock.now(), detail }, world.random);
}
