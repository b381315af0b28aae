// What does the broker announce in these tests? A first connect under the maker's authority.
import type { PresenceNotice, RegistrationNotice } from '../../../../functions/onboarding/register-device/notice.ts';
import {
  certificateKey,
  parseCertificateRow,
  type CertificateRow,
} from '../../../../shared/whitelist/certificate-row.ts';
import type { Party } from '../../../pki/certificates.ts';
import { NOW, type Pump, type Scene } from '../../scene.ts';

export function noticeOf(
  { authority }: Scene,
  { certificateId }: Pick<Pump, 'certificateId'>,
  connectedAt = NOW,
): RegistrationNotice {
  const authorityId = authority.certificate.fingerprint;
  return { event: 'registration', certificateId, authorityId, status: 'PENDING_ACTIVATION', connectedAt };
}

/** A device is connected: its certificate was registered beforehand. */
export function presenceOf({ certificateId }: Pick<Pump, 'certificateId'>, connectedAt = NOW): PresenceNotice {
  return { event: 'presence', certificateId, connectedAt };
}

/** Somebody's certificate comes to the broker for the first time: it waits there, and is announced. */
export function arrivalOf(
  scene: Scene,
  { certificate, pem }: Party,
  connectedAt = scene.clock.now(),
): RegistrationNotice {
  scene.broker.connect(certificate.fingerprint, 'any', pem);
  return noticeOf(scene, { certificateId: certificate.fingerprint }, connectedAt);
}

export async function certificateRow({ registry }: Scene, certificateId: string): Promise<CertificateRow | undefined> {
  const [row] = await registry.read([certificateKey(certificateId)]);
  return row === undefined ? undefined : parseCertificateRow(row);
}

/** As after so many days: a certificate that may wait for activation waits no longer. */
export function daysAfter(time: string, days: number): string {
  return new Date(Date.parse(time) + days * 86_400_000).toISOString();
}

/** Turns without end: for what does not ask about quotas. */
export const UNHURRIED = { tryTurn: () => Promise.resolve(true) };
