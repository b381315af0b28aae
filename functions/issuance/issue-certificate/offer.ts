// Does the device still stand where it stood when it asked? Then its row names the new certificate, beside the one in use;
// else the certificate ends before anybody could use it.
import { parseDevice } from '../../../shared/device-row.ts';
import { decideStanding } from '../../../shared/issuance/decide.ts';
import { endedCertificates, revokedKey } from '../../../shared/issuance/ending.ts';
import type { Intent } from '../../../shared/issuance/intent.ts';
import { offerKey } from '../../../shared/issuance/renewal.ts';
import { STREAMS } from '../../../shared/ledger/entry.ts';
import {
  deviceKey,
  operationalOf,
  type Device,
  type Enrolling,
  type OperationalCertificate,
} from '../../../shared/lifecycle.ts';
import { offer, touch } from '../../../shared/lifecycle-moves.ts';
import { done, Fault, refused, type Outcome, type Refused } from '../../../shared/outcome.ts';
import { endingChanges, withdrawal } from '../../end-certificates.ts';
import type { IssueCertificateWorld } from './flow.ts';
import { issuanceEntry } from './record.ts';
import type { Stored } from './store.ts';

const ATTEMPTS = 3;

/** Answers the certificates that the offer has ended: the one that was offered before. */
export async function offerStored(
  { certificate }: Stored,
  intent: Intent,
  world: IssueCertificateWorld,
): Promise<Outcome<readonly string[]>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const present = await readDevice(intent.device, world);
    // A late worker: it is offered already, or confirmed.
    if (holds(present, certificate)) return done([]);
    // It was, and has ended since: it does not come back.
    if (await hasEnded(certificate, world)) return refused({ reason: 'request-over', requestId: intent.requestId });
    const device = decideStillStanding(present, intent);
    const answer =
      device.outcome === 'refused'
        ? await withdraw(certificate, { present, intent, refusal: device }, world)
        : await offerTo(device.value, { certificate, intent }, world);
    if (answer !== 'lost') return answer;
  }
  throw new Fault('comparison-lost', `device "${intent.device}": its row changed ${ATTEMPTS} times meanwhile`);
}

function holds(device: Device, { certificateId }: OperationalCertificate): boolean {
  return operationalOf(device).some(({ certificate }) => certificate.certificateId === certificateId);
}

/** Over the very certificate, and in the life, in which it asked. */
function decideStillStanding(device: Device, { over, epoch, requestId }: Intent): Outcome<Enrolling> {
  const standing = decideStanding(device, { device: device.id, certificateId: over });
  if (standing.outcome === 'refused' || standing.value.epoch === epoch) return standing;
  return refused({ reason: 'request-over', requestId });
}

interface Offering {
  readonly certificate: OperationalCertificate;
  readonly intent: Intent;
}

async function offerTo(
  previous: Enrolling,
  { certificate, intent }: Offering,
  world: IssueCertificateWorld,
): Promise<Outcome<readonly string[]> | 'lost'> {
  const now = world.clock.now();
  const next = offer(previous, certificate, now);
  const { certificateId, notAfter } = certificate;
  const inputs = { request: intent.requestId, certificateId, over: intent.over, notAfter };
  const stream = STREAMS.device(next.id);
  const result = await world.registry.commit([
    { replace: deviceKey(next.id), previous, next },
    ...endingChanges(previous, next, { step: 'issue-certificate', reason: 'superseded', now, world }),
    { create: offerKey(certificate, next.id), row: { version: 1, device: next.id, certificateId } },
    issuanceEntry({ intent, stream, seq: next.version, kind: 'certificate-offered', inputs }, world),
  ]);
  return result === 'lost' ? 'lost' : done(endedCertificates(previous, next));
}

interface Withdrawing {
  readonly present: Device;
  readonly intent: Intent;
  readonly refusal: Refused;
}

/** Signed, so its issuer takes it back; the row moves too, so that no other worker offers it meanwhile. */
async function withdraw(
  certificate: OperationalCertificate,
  { present, intent, refusal }: Withdrawing,
  world: IssueCertificateWorld,
): Promise<Refused | 'lost'> {
  const now = world.clock.now();
  const next = touch(present);
  const inputs = {
    request: intent.requestId,
    certificateId: certificate.certificateId,
    because: refusal.refusal.reason,
  };
  const stream = STREAMS.device(next.id);
  const result = await world.registry.commit([
    { replace: deviceKey(next.id), previous: present, next },
    ...withdrawal(certificate, next, { step: 'issue-certificate', reason: 'cessationOfOperation', now, world }),
    issuanceEntry({ intent, stream, seq: next.version, kind: 'certificate-ended', inputs }, world),
  ]);
  return result === 'lost' ? 'lost' : refusal;
}

async function hasEnded(
  { issuer, serial }: OperationalCertificate,
  { registry }: IssueCertificateWorld,
): Promise<boolean> {
  const [row] = await registry.read([revokedKey(issuer, serial)]);
  return row !== undefined;
}

async function readDevice(id: string, { registry }: IssueCertificateWorld): Promise<Device> {
  const [row] = await registry.read([deviceKey(id)]);
  if (row !== undefined) return parseDevice(row);
  throw new Fault('row-malformed', `device "${id}": a certificate was issued to a device without a row`);
}
