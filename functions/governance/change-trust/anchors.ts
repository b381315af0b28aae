// Step `change-trust`, anchors: certificates that this deployment trusts, each for one purpose of one manufacturer.
import type { TrustChange } from '../../../shared/governance/changes.ts';
import { checkKey } from '../../../shared/identity/acceptable-key.ts';
import {
  anchorClaimKey,
  anchorKey,
  anchorRow,
  authorityKey,
  parseAnchorClaim,
  type Anchor,
  type AnchorClaim,
  type AnchorPurpose,
} from '../../../shared/identity/anchor.ts';
import { parsePemCertificate, type Certificate } from '../../../shared/identity/certificate.ts';
import { STREAMS } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import type { AddAnchor } from './act.ts';
import { isStopped } from './breaker.ts';
import type { ChangeTrustWorld } from './flow.ts';
import { trustEntry, type Acted } from './record.ts';

const PURPOSES = {
  'add-authority': 'authority',
  'add-root': 'root',
  'add-signer': 'signer',
  'add-voucher-key': 'voucher',
} as const satisfies Readonly<Record<AddAnchor['kind'], AnchorPurpose>>;

export async function addAnchor(
  { act, principal }: Acted<AddAnchor>,
  world: ChangeTrustWorld,
): Promise<Outcome<TrustChange>> {
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
  const claim = claimOf(anchor, act);
  const wanted = describe(claim);
  const present = claimed === undefined ? undefined : describe(parseAnchorClaim(claimed));
  if (present !== undefined && present !== wanted) {
    return refused({ reason: 'anchor-conflict', fingerprint, expected: present, got: wanted });
  }
  // 3 Act: IoT Core first. A crash here leaves a CA at the broker that no row knows; its devices are refused.
  const changes = claimed === undefined ? anchorChanges({ anchor, claim, principal }, world) : [];
  if (anchor.purpose === 'authority')
    changes.push(...(await registerAuthority(certificate.value, anchor, principal, world)));
  if (changes.length === 0) return done({ result: 'unchanged', fingerprint });
  // 4 Record and trust in one transaction.
  if ((await world.registry.commit(changes)) === 'committed') return done({ result: 'changed', fingerprint });
  throw new Fault('comparison-lost', `anchor "${fingerprint}": somebody else changed it at the same time`);
}

interface NewAnchor {
  readonly anchor: Anchor;
  readonly claim: AnchorClaim;
  readonly principal: string;
}

function anchorChanges({ anchor, claim, principal }: NewAnchor, world: ChangeTrustWorld): Change[] {
  const { fingerprint } = anchor.certificate;
  return [
    { create: anchorClaimKey(fingerprint), row: claim },
    { create: anchorKey(anchor.manufacturer, anchor.purpose, fingerprint), row: anchorRow(anchor) },
    trustEntry({ stream: STREAMS.anchor(fingerprint), principal, inputs: inputsOf(claim, fingerprint) }, world),
  ];
}

/** Idempotent at the broker: also brings back a CA that a teardown removed. */
async function registerAuthority(
  { x509, fingerprint }: Certificate,
  { manufacturer }: Anchor,
  principal: string,
  world: ChangeTrustWorld,
): Promise<Change[]> {
  // Whoever names the CA again must not bring back what its breaker has stopped (T051).
  if (await isStopped(fingerprint, world)) return [];
  const id = await world.authorities.register(x509.toString());
  const [known] = await world.registry.read([authorityKey(id)]);
  if (known !== undefined) return [];
  const row = { version: 1, fingerprint, manufacturer };
  const entry = trustEntry({ stream: STREAMS.authority(id), principal, inputs: { ...row, authority: id } }, world);
  return [{ create: authorityKey(id), row }, entry];
}

function claimOf({ purpose, manufacturer }: Anchor, { revocation }: AddAnchor): AnchorClaim {
  const claim = { version: 1, purpose, manufacturer } as const;
  return revocation === undefined ? claim : { ...claim, revocation };
}

function inputsOf({ version, purpose, manufacturer, revocation }: AnchorClaim, fingerprint: string) {
  const inputs = { version, purpose, manufacturer, fingerprint };
  return revocation === undefined ? inputs : { ...inputs, revocation };
}

function describe({ purpose, manufacturer, revocation }: AnchorClaim): string {
  const lists = revocation === 'required' ? ', revocation lists required' : '';
  return `${purpose} of ${manufacturer}${lists}`;
}
