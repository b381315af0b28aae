// Step `change-trust`: whom does this deployment trust, and for what? Owners, manufacturer authorities, manifest
// signers; each change is an act of a named principal (blueprint steps 1 and 3).
import { anchorClaimKey, anchorKey, anchorRow, authorityKey, ownerKey } from '../../../shared/identity/anchor.ts';
import { parseAnchorClaim, type Anchor, type AnchorClaim } from '../../../shared/identity/anchor.ts';
import { parsePemCertificate, type Certificate } from '../../../shared/identity/certificate.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AuthorityRegistry, Change } from '../../../shared/ports.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { TRUST_ACT, type AddAnchor, type AddOwner } from './act.ts';

export interface ChangeTrustWorld extends ActWorld {
  readonly authorities: AuthorityRegistry;
}

export interface TrustChange {
  readonly result: 'changed' | 'unchanged';
  /** SHA-256 of the certificate, for anchors. */
  readonly fingerprint?: string;
}

interface Acted<A> {
  readonly act: A;
  readonly principal: string;
}

export function changeTrust(event: unknown, world: ChangeTrustWorld): Promise<Outcome<TrustChange>> {
  return performAct(TRUST_ACT, event, world, ({ act, principal }) =>
    act.kind === 'add-owner' ? addOwner({ act, principal }, world) : addAnchor({ act, principal }, world),
  );
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
    purpose: act.kind === 'add-authority' ? 'authority' : 'signer',
    manufacturer: act.manufacturer,
    certificate: certificate.value,
  };
  const { fingerprint } = certificate.value;
  if (anchor.purpose === 'authority' && !certificate.value.isAuthority) {
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
  readonly inputs: Readonly<Record<string, string | number>>;
}

function trustEntry({ stream, principal, inputs }: TrustRecord, world: ChangeTrustWorld) {
  const { requestId } = world;
  const detail = { actor: { kind: 'iam', principal }, decision: 'done', inputs, requestId } as const;
  return recordEntry({ stream, seq: 1, kind: 'trust-changed', time: world.clock.now(), detail }, world.random);
}
