// Which signature is the certificate? The first that was stored; any other is discarded, and the ledger says so.
import type { Json } from '../../../shared/canonical.ts';
import { commission } from '../../../shared/issuance/commission.ts';
import { renewFrom } from '../../../shared/issuance/decide.ts';
import { issuedKey, outcomeKey, parseIssued, parseOutcome, type IssuedRow } from '../../../shared/issuance/intent.ts';
import type { PreparedCertificate } from '../../../shared/issuance/prepare.ts';
import { restorePrepared } from '../../../shared/issuance/restore.ts';
import type { VerifiedSignature } from '../../../shared/signing/verified-signature.ts';
import { STREAMS } from '../../../shared/ledger/entry.ts';
import type { OperationalCertificate } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Concluding } from './conclude.ts';
import type { IssueCertificateWorld } from './flow.ts';
import { issuanceEntry } from './record.ts';

/** As it was read back. */
export interface Stored {
  readonly issued: IssuedRow;
  readonly certificate: OperationalCertificate;
}

type Signed = Omit<Concluding, 'signature'>;

export async function store(
  signature: VerifiedSignature,
  { intent, authority }: Signed,
  world: IssueCertificateWorld,
): Promise<void> {
  const { device, requestId, issuer } = intent;
  const { der, fingerprint: certificateId } = commission(restore({ intent, authority }), signature);
  const kept = { certificateId, signature: Buffer.from(signature.signature).toString('base64') };
  const inputs = { requestId, issuer, ...kept };
  const issued: IssuedRow = { version: 1, device, requestId, issuer, certificate: Buffer.from(der).toString('base64') };
  const stream = STREAMS.issuance(device, requestId);
  const result = await world.registry.commit([
    { create: outcomeKey(device, requestId), row: { version: 1, ...kept, at: world.clock.now() } },
    { create: issuedKey(certificateId), row: issued },
    issuanceEntry({ intent, stream, seq: 2, kind: 'certificate-signed', inputs }, world),
  ]);
  if (result === 'lost') await discard(certificateId, { intent, inputs }, world);
}

interface Discarded extends Pick<Signed, 'intent'> {
  readonly inputs: Readonly<Record<string, Json>>;
}

/** Ours was seen by nobody: another was stored first. Unless ours was stored, and the answer was lost. */
async function discard(
  certificateId: string,
  { intent, inputs }: Discarded,
  world: IssueCertificateWorld,
): Promise<void> {
  const { device, requestId } = intent;
  const [row] = await world.registry.read([outcomeKey(device, requestId)]);
  if (row !== undefined && parseOutcome(row).certificateId === certificateId) return;
  const stream = STREAMS.discarded(device, requestId, certificateId);
  // Losing this means that it is recorded already.
  await world.registry.commit([issuanceEntry({ intent, stream, seq: 1, kind: 'signature-discarded', inputs }, world)]);
}

export async function readStored({ intent, authority }: Signed, { registry }: IssueCertificateWorld): Promise<Stored> {
  const { device, requestId, issuer } = intent;
  const [row] = await registry.read([outcomeKey(device, requestId)]);
  if (row === undefined) throw new Fault('row-malformed', `request "${requestId}": its outcome is missing`);
  const { certificateId, at: issuedAt } = parseOutcome(row);
  const [issued] = await registry.read([issuedKey(certificateId)]);
  if (issued === undefined) throw new Fault('row-malformed', `certificate "${certificateId}": its row is missing`);
  const { serial, ...validity } = restore({ intent, authority });
  const times = { issuedAt, renewFrom: renewFrom(validity), notAfter: validity.notAfter };
  return { issued: parseIssued(issued), certificate: { certificateId, issuer, serial, ...times } };
}

/** The proof is made again from the stored bytes: what is signed is of the profile, whoever wrote the row. */
function restore({ intent, authority: { issuer } }: Signed): PreparedCertificate {
  const prepared = restorePrepared(Buffer.from(intent.tbs, 'base64'), issuer);
  const { commonName, keyFingerprint } = prepared;
  if (commonName === intent.device && keyFingerprint === intent.keyFingerprint) return prepared;
  throw new Fault('row-malformed', `request "${intent.requestId}": its bytes are of another device or key`);
}
