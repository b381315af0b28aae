// Step `confirm-certificate`: the device uses its new certificate; whatever it replaces has ended (blueprint step 3). The
// first confirmation spends the factory certificate.
import { parseDevice } from '../../../shared/device-row.ts';
import { decideConfirmation } from '../../../shared/issuance/decide.ts';
import type { Connection } from '../../../shared/issuance/device-message.ts';
import { endedCertificates } from '../../../shared/issuance/ending.ts';
import { parseConfirmation, type Confirmed } from '../../../shared/issuance/messages.ts';
import { renewalKey } from '../../../shared/issuance/renewal.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import {
  deviceKey,
  isOperational,
  type Device,
  type Enrolling,
  type OperationalCertificate,
  type OperationalDevice,
} from '../../../shared/lifecycle.ts';
import { confirm } from '../../../shared/lifecycle-moves.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue } from '../../../shared/ports.ts';
import { answerDevice, certificateTopic, type AnswerWorld } from '../../answer-device.ts';
import { endingChanges } from '../../end-certificates.ts';

export interface ConfirmCertificateWorld extends AnswerWorld {
  readonly alignments: Pick<AlignmentQueue, 'request' | 'requestRevocation'>;
}

export interface Confirmation {
  readonly device: string;
  readonly verdict: 'confirmed' | 'repeated';
}

const ATTEMPTS = 3;

export function confirmCertificate(body: string, world: ConfirmCertificateWorld): Promise<Outcome<Confirmation>> {
  return answerDevice(body, world, async ({ connection, payload }) => {
    // 1 Parse: the certificate that it names is the one over which it speaks, or two are at work (T093).
    const named = parseConfirmation(payload);
    if (named.outcome === 'refused') return named;
    const { device, certificateId: expected } = connection;
    const got = named.value.certificateId;
    if (got !== expected) return refused({ reason: 'certificate-not-current', device, expected, got });
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const answer = await confirmOnce(connection, world);
      if (answer !== 'lost') return answer;
    }
    throw new Fault('comparison-lost', `device "${device}": another writer was faster ${ATTEMPTS} times`);
  });
}

async function confirmOnce(
  connection: Connection,
  world: ConfirmCertificateWorld,
): Promise<Outcome<Confirmation> | 'lost'> {
  // 2 Decide by the row: offered to this device, and not confirmed yet.
  const present = await readDevice(connection.device, world);
  const decided = decideConfirmation(present, connection);
  if (decided.outcome === 'refused') return decided;
  if (decided.value === 'repeated') return answer(connection, 'repeated', world);
  // 3 Act and record in one transaction: it is the current one, and what it replaces has ended.
  const { device: previous, offered } = decided.value;
  const next = confirm(previous, offered, world.clock.now());
  if ((await commitConfirmed({ previous, next, offered }, connection, world)) === 'lost') return 'lost';
  // A crash from here on leaves rows pending: the sweep of align-broker finds them. The device confirms again.
  await world.alignments.request(next.id);
  for (const ended of endedCertificates(previous, next)) await world.alignments.requestRevocation(ended);
  return answer(connection, 'confirmed', world);
}

interface Confirming {
  readonly previous: Enrolling;
  readonly next: OperationalDevice;
  readonly offered: OperationalCertificate;
}

function commitConfirmed(
  { previous, next, offered }: Confirming,
  { receivedAt }: Connection,
  world: ConfirmCertificateWorld,
): Promise<'committed' | 'lost'> {
  const { id, owner, epoch, version: seq, operationalAt: now } = next;
  const { certificateId, issuer, serial, notAfter } = offered;
  const replaced = isOperational(previous) ? previous.current.certificateId : previous.factoryCertificate;
  const inputs = { receivedAt, certificateId, issuer, serial, notAfter, replaced, epoch, from: previous.state };
  const actor = { kind: 'certificate', certificateId } as const;
  const detail = { actor, decision: 'done', owner, device: id, inputs, requestId: world.requestId } as const;
  return world.registry.commit([
    { replace: deviceKey(id), previous, next },
    ...endingChanges(previous, next, { step: 'confirm-certificate', reason: 'superseded', now, world }),
    { create: renewalKey(offered, id), row: { version: 1, device: id, certificateId } },
    recordEntry({ stream: STREAMS.device(id), seq, kind: 'confirmed', time: now, detail }, world.random),
  ]);
}

async function answer(
  { device, certificateId }: Connection,
  verdict: Confirmation['verdict'],
  { topics }: ConfirmCertificateWorld,
): Promise<Outcome<Confirmation>> {
  const body: Confirmed = { kind: 'confirmed', certificateId };
  await topics.publish(certificateTopic(device, 'accepted'), body);
  return done({ device, verdict });
}

async function readDevice(id: string, { registry }: ConfirmCertificateWorld): Promise<Device | undefined> {
  const [row] = await registry.read([deviceKey(id)]);
  return row === undefined ? undefined : parseDevice(row);
}
