// How does a device come to work in the tests of governance? Owned, admitted, and with certificates of its owner's; the moves
// that issuance makes, without its keys and signatures.
import { alignDevice } from '../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../functions/onboarding/register-device/flow.ts';
import { parseRevoked, revokedOf, type RevokedCertificate } from '../../../shared/issuance/ending.ts';
import { recordEntry, STREAMS, type EntryKind } from '../../../shared/ledger/entry.ts';
import {
  deviceKey,
  isEnrolling,
  type Device,
  type Enrolling,
  type OperationalCertificate,
} from '../../../shared/lifecycle.ts';
import { confirm, offer } from '../../../shared/lifecycle-moves.ts';
import { arrivalOf } from '../onboarding/register-device/notices.ts';
import { listPump, own, readDevice, type Pump, type Scene } from '../scene.ts';

export type Stage = 'listed' | 'owned' | 'registered' | 'operational' | 'renewing';

export const ISSUER = 'e'.repeat(64);

/** Each letter is a certificate of its own. */
export function issued(letter: string): OperationalCertificate {
  return {
    certificateId: letter.repeat(64),
    issuer: ISSUER,
    serial: letter.repeat(16),
    issuedAt: '2026-11-24T12:00:00.000Z',
    renewFrom: '2026-12-14T12:00:00.000Z',
    notAfter: '2026-12-24T12:00:00.000Z',
  };
}

/** `renewing`: at work with certificate `b`, and offered `c`. */
export async function pumpAt(scene: Scene, stage: Stage, serial = 'P1001'): Promise<Pump> {
  const pump = await listPump(scene, serial);
  const notice = arrivalOf(scene, pump.party);
  if (stage === 'listed') return pump;
  await own(scene, pump);
  if (stage === 'owned') return pump;
  await registerDevice(notice, scene);
  if (stage === 'registered') return pump;
  await takeUp(scene, pump.id, issued('b'));
  if (stage === 'renewing') await offerTo(scene, pump.id, issued('c'));
  return pump;
}

export async function takeUp(scene: Scene, id: string, certificate: OperationalCertificate): Promise<void> {
  await offerTo(scene, id, certificate);
  const present = await enrolling(scene, id);
  await follow(scene, present, { next: confirm(present, certificate, scene.clock.now()), kind: 'confirmed' });
  await alignDevice(id, scene);
}

/** The broker knows it: it has been issued. */
async function offerTo(scene: Scene, id: string, certificate: OperationalCertificate): Promise<void> {
  const present = await enrolling(scene, id);
  scene.broker.seed(certificate.certificateId, 'INACTIVE');
  await follow(scene, present, { next: offer(present, certificate, scene.clock.now()), kind: 'certificate-offered' });
  await alignDevice(id, scene);
}

async function enrolling(scene: Scene, id: string): Promise<Enrolling> {
  const device = await readDevice(scene, id);
  if (device === undefined || !isEnrolling(device)) throw new Error(`scene: ${id} is given no certificate`);
  return device;
}

interface Following {
  readonly next: Device;
  readonly kind: EntryKind;
}

async function follow(scene: Scene, previous: Device, { next, kind }: Following): Promise<void> {
  const actor = { kind: 'step', step: 'issuance' } as const;
  const detail = { actor, decision: 'done', inputs: {}, requestId: 'issuance' } as const;
  const draft = { stream: STREAMS.device(next.id), seq: next.version, kind, time: scene.clock.now(), detail };
  await scene.registry.commit([{ replace: deviceKey(next.id), previous, next }, recordEntry(draft, scene.random)]);
}

/** What the issuer's next revocation list names. */
export async function revokedIn({ registry }: Pick<Scene, 'registry'>): Promise<readonly RevokedCertificate[]> {
  const { table, pk } = revokedOf(ISSUER);
  return (await registry.list(table, pk, 'revoked#')).map(parseRevoked);
}
