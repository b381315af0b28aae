// Under which of a manufacturer's own authorities does this device stand? From its certificate up to an anchor.
import type { Anchor, AnchorPurpose } from '../../identity/anchor.ts';
import type { Certificate } from '../../identity/certificate.ts';
import { verifyPath, type Usage, type VerifiedPath } from '../../identity/path.ts';
import { done, refused, type Outcome } from '../../outcome.ts';
import type { RefusalReason } from '../../reasons.ts';

export interface Chain {
  readonly certificate: Certificate;
  /** Issuers that the manifest brings; not trusted. */
  readonly chain: readonly Certificate[];
}

export interface MakersTrust {
  readonly manufacturer: string;
  readonly anchors: readonly Anchor[];
  readonly now: string;
}

export interface AnchoredPath {
  readonly anchor: Anchor;
  readonly path: VerifiedPath;
}

/**
 * The path to one of the manufacturer's own authorities, or roots. A signer may vouch for keys, not for other people's
 * authorities, and an anchor of another manufacturer never counts (T013). `issuer-unknown` when there is no path at all.
 */
export function findPath({ certificate, chain }: Chain, trust: MakersTrust): Outcome<AnchoredPath> {
  const own = trust.anchors.filter(({ manufacturer }) => manufacturer === trust.manufacturer);
  const unknown = refused({ reason: 'issuer-unknown', manufacturer: trust.manufacturer });
  let refusal = unknown;
  for (const [purpose, usage] of USAGES) {
    const anchors = own.filter((anchor) => anchor.purpose === purpose);
    if (anchors.length === 0) continue;
    const certificates = anchors.map((anchor) => anchor.certificate);
    const path = verifyPath({ leaf: certificate, issuers: chain, anchors: certificates, usage, now: trust.now });
    const anchor = path.outcome === 'done' ? anchorOf(path.value, anchors) : undefined;
    if (path.outcome === 'done' && anchor !== undefined) return done({ anchor, path: path.value });
    if (path.outcome === 'refused' && !NO_PATH.has(path.refusal.reason) && refusal === unknown) refusal = path;
  }
  return refusal;
}

function anchorOf({ anchor: { fingerprint } }: VerifiedPath, anchors: readonly Anchor[]): Anchor | undefined {
  return anchors.find(({ certificate }) => certificate.fingerprint === fingerprint);
}

/** Devices of an authority meet the broker's registration and say what they are for; chips under a root often do not. */
const USAGES: readonly (readonly [AnchorPurpose, Usage])[] = [
  ['authority', 'device'],
  ['root', 'chip'],
];

/** Nobody here issued it: an authority of the same name with another key is another authority (T003). */
const NO_PATH: ReadonlySet<RefusalReason> = new Set(['path-unknown', 'certificate-signature-invalid'] as const);
