// What does the ledger say of a delivery? One entry per decision: S3 may report an arrival twice, and trust may change.
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Refusal } from '../../../shared/reasons.ts';
import { importKey, reportKey, type StoredImport, type VerifiedImport } from '../../../shared/whitelist/import.ts';
import type { FixedDelivery, ImportManifestWorld } from './flow.ts';

interface RefusedDelivery {
  readonly refusal: Refusal;
  readonly known: StoredImport | undefined;
}

/** The report beside the manifest says why when this returns. */
export async function recordRefusal(
  delivery: FixedDelivery,
  { refusal, known }: RefusedDelivery,
  world: ImportManifestWorld,
): Promise<void> {
  const { manifestKey, signatureVersion, deliveredBy } = delivery;
  if (known?.decision !== refusal.reason) {
    const signer = 'signer' in refusal ? refusal.signer : 'unverified';
    const detail = {
      actor: { kind: 'signer', signer, deliveredBy },
      decision: 'refused',
      reason: refusal.reason,
      inputs: { manifestKey, compared: { ...refusal } },
      requestId: world.requestId,
    } as const;
    const next = { version: (known?.version ?? 0) + 1, decision: refusal.reason };
    await commit({ delivery, known, next, kind: 'manifest-refused', detail }, world);
  }
  const report = { manifest: manifestKey, signatureVersion, outcome: 'refused', refusal };
  await world.manifests.write(reportKey(manifestKey), `${JSON.stringify(report)}\n`);
}

interface VerifiedDelivery {
  readonly verified: VerifiedImport;
  readonly known: StoredImport | undefined;
}

export async function recordVerified(
  delivery: FixedDelivery,
  { verified, known }: VerifiedDelivery,
  world: ImportManifestWorld,
): Promise<void> {
  if (known?.decision === 'verified') return;
  const { manifestKey, manifest, signer, signedAt, format, lot, chunks } = verified;
  const detail = {
    actor: { kind: 'signer', signer, deliveredBy: delivery.deliveredBy },
    decision: 'done',
    inputs: { manifestKey, manifest, signedAt, format, lot, chunks },
    requestId: world.requestId,
  } as const;
  const next = { version: (known?.version ?? 0) + 1, decision: 'verified', verified };
  await commit({ delivery, known, next, kind: 'manifest-verified', detail }, world);
}

interface Decision {
  readonly delivery: FixedDelivery;
  readonly known: StoredImport | undefined;
  readonly next: StoredImport;
  readonly kind: 'manifest-refused' | 'manifest-verified';
  readonly detail: Parameters<typeof recordEntry>[0]['detail'];
}

async function commit({ delivery, known, next, kind, detail }: Decision, world: ImportManifestWorld): Promise<void> {
  const { signatureKey, signatureVersion } = delivery;
  const stream = STREAMS.import(signatureKey, signatureVersion);
  const key = importKey(delivery);
  const change = known === undefined ? { create: key, row: next } : { replace: key, previous: known, next };
  const entry = recordEntry({ stream, seq: next.version, kind, time: world.clock.now(), detail }, world.random);
  if ((await world.registry.commit([change, entry])) === 'committed') return;
  throw new Fault('comparison-lost', `delivery "${signatureKey}": decided by another run meanwhile`);
}
