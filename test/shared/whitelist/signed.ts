// One signed manifest and the whole check of it, for the tests of signatures.
import type { KeyObject } from 'node:crypto';

import type { Anchor } from '../../../shared/identity/anchor.ts';
import type { Outcome } from '../../../shared/outcome.ts';
import {
  parseDetachedSignature,
  startManifestCheck,
  type VerifiedManifest,
} from '../../../shared/whitelist/signature.ts';

export const NOW = '2026-11-24T12:00:00.000Z';
export const SIGNED_AT = '2026-11-01T00:00:00.000Z';
export const MANIFEST = `{"format":"wardkey-manifest/1","manufacturer":"acme"}\n{"serial":"A1"}\n`;

export interface Checked {
  readonly jws: string;
  readonly manifest: string | Uint8Array;
  readonly signer: Anchor | undefined;
  readonly now?: string;
}

/** The steps of an import: read the signature, find the signer, read the file, finish. */
export function check({ jws, manifest, signer, now = NOW }: Checked): Outcome<VerifiedManifest> {
  const signature = parseDetachedSignature(jws);
  if (signature.outcome === 'refused') return signature;
  const started = startManifestCheck(signature.value, signer, now);
  if (started.outcome === 'refused') return started;
  started.value.update(Buffer.from(manifest));
  return started.value.finish();
}

export function reasonOf(outcome: Outcome<unknown>): string {
  return outcome.outcome === 'refused' ? outcome.refusal.reason : 'accepted';
}

/** The pinned certificate, as if it held this key. */
export function withKey(anchor: Anchor, publicKey: KeyObject): Anchor {
  const x509: unknown = { publicKey };
  return { ...anchor, certificate: { ...anchor.certificate, x509: x509 as Anchor['certificate']['x509'] } };
}
