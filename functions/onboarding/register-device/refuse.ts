// What does a refusal leave? One entry per (certificate, reason, version of the device row); a repeat only counts. The
// genuine device is never touched; of the certificate itself a row says what the broker is to do with it.
import { recordEntry, STREAMS, type Detail, type EntryKind } from '../../../shared/ledger/entry.ts';
import { refused } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import { REASONS, type Refusal } from '../../../shared/reasons.ts';
import { certificateKey, isRevoked, wish, type CertificateRow } from '../../../shared/whitelist/certificate-row.ts';
import { cloneKey, refusalKey } from '../../../shared/whitelist/refusal.ts';
import { countAgainst } from './breaker.ts';
import type { Attempt, Known, RegisterDeviceWorld } from './flow.ts';
import { listingInputs, noticeInputs } from './inputs.ts';

export async function refuse(refusal: Refusal, known: Known, world: RegisterDeviceWorld): Promise<Attempt> {
  const decided = refusalChanges(refusal, known, world);
  const wished = wishOf(refusal, known, world);
  const wishes = recordWish(wished, known, world);
  const first = await world.registry.commit([...decided, ...wishes]);
  if (first === 'lost' && (await repeat({ refusal, wishes }, known, world)) === 'lost') return 'lost';
  // A crash from here on leaves the certificate row pending: the sweep finds it.
  if (wished?.wanted === 'revoked') await world.alignments.requestRevocation(known.notice.certificateId);
  if (first === 'committed' && isFinal(refusal)) await countAgainst(known, world);
  return refused(refusal);
}

interface Repeat {
  readonly refusal: Refusal;
  readonly wishes: readonly Change[];
}

/** Refused before for the same reason; if not, somebody moved a row meanwhile, and the decision is made anew. */
async function repeat({ refusal, wishes }: Repeat, known: Known, { registry }: RegisterDeviceWorld) {
  if (wishes.length > 0 && (await registry.commit(wishes)) === 'lost') return 'lost';
  const counted = await registry.countRepeat(refusalKey(known.notice.certificateId, refusal.reason, versionIn(known)));
  return counted === 'absent' ? 'lost' : counted;
}

function refusalChanges(refusal: Refusal, known: Known, world: RegisterDeviceWorld): Change[] {
  const { notice, listing, device } = known;
  const { certificateId } = notice;
  const { reason } = refusal;
  const [time, version] = [world.clock.now(), versionIn(known)];
  const inputs = {
    ...noticeInputs(notice),
    compared: { ...refusal },
    ...(listing === undefined ? {} : { listing: listingInputs(listing) }),
    deviceVersion: version,
  };
  const about = {
    ...(device?.owner === undefined ? {} : { owner: device.owner }),
    ...(listing === undefined ? {} : { device: listing.device }),
  };
  const detail = { ...actorOf(known, world), decision: 'refused', reason, ...about, inputs } as const;
  const stream = STREAMS.refusal(certificateId, reason, version);
  const row = { version: 1, reason, at: time, refusal, deviceVersion: version, ...deviceIn(about) };
  return [
    { create: refusalKey(certificateId, reason, version), row },
    recordEntry({ stream, seq: 1, kind: 'refused', time, detail }, world.random),
    // So that whoever looks at the genuine device sees who poses as it.
    ...(reason === 'another-key'
      ? [{ create: cloneKey(refusal.device, certificateId), row: { version: 1, certificateId, at: time } }]
      : []),
  ];
}

function deviceIn({ device }: { readonly device?: string }) {
  return device === undefined ? {} : { device };
}

/**
 * What the broker is to do with the certificate. Final: revoke it, now. Curable: it may wait, but not for ever; each later
 * connect is asked again either way. Undefined: what stands in its row holds.
 */
function wishOf(
  refusal: Refusal,
  known: Known,
  { clock, pendingDays }: RegisterDeviceWorld,
): CertificateRow | undefined {
  const { notice, certificate } = known;
  const { certificateId } = notice;
  const now = clock.now();
  const due = new Date(Date.parse(now) + pendingDays * 86_400_000).toISOString();
  const revoke = () => wish({ certificateId, wanted: 'revoked', since: now }, certificate);
  const wait = () => wish({ certificateId, wanted: 'absent', since: due }, certificate);
  if (isRevoked(certificate)) return cameBack(known) ? revoke() : undefined;
  if (isFinal(refusal)) return revoke();
  if (certificate === undefined) return notice.event === 'presence' ? undefined : wait();
  return certificate.wanted === 'absent' && cameBack(known) ? wait() : undefined;
}

/** The broker took the certificate in anew after it was last seen as it should be. */
function cameBack({ notice, certificate }: Known): boolean {
  if (certificate === undefined || certificate.brokerPending !== undefined) return false;
  return certificate.alignedAt === undefined || Date.parse(notice.connectedAt) > Date.parse(certificate.alignedAt);
}

function recordWish(next: CertificateRow | undefined, known: Known, world: RegisterDeviceWorld): Change[] {
  if (next === undefined) return [];
  const { certificateId, wanted, brokerPending } = next;
  const kind: EntryKind = 'alignment-requested';
  const inputs = { certificateId, wanted, ...(brokerPending === undefined ? {} : { since: brokerPending }) };
  const detail: Detail = { ...actorOf(known, world), decision: 'done', inputs };
  const stream = STREAMS.certificate(certificateId);
  const draft = { stream, seq: next.version, kind, time: world.clock.now(), detail };
  const key = certificateKey(certificateId);
  const change =
    known.certificate === undefined ? { create: key, row: next } : { replace: key, previous: known.certificate, next };
  return [change, recordEntry(draft, world.random)];
}

function actorOf({ notice }: Known, { requestId }: RegisterDeviceWorld) {
  return { actor: { kind: 'certificate' as const, certificateId: notice.certificateId }, requestId };
}

function isFinal({ reason }: Refusal): boolean {
  return REASONS[reason].kind === 'final';
}

function versionIn({ device }: Known): number {
  return device?.version ?? 0;
}
