// May this device have a certificate, and over this connection? Pure (blueprint step 3).
import {
  certificateInUse,
  isDenied,
  isEnrolling,
  isOperational,
  isQuarantined,
  isRetired,
  type Device,
  type Enrolling,
  type OperationalCertificate,
} from '../lifecycle.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import type { Intent } from './intent.ts';

/** How soon a device that was just given a certificate may be given another: each costs a signature in an HSM. */
export const RESPITE_MINUTES = 5;

/** Who speaks: a device, over a certificate. */
export type Speaker = Readonly<Record<'device' | 'certificateId', string>>;

/** In good standing, and speaking over the one certificate that its row lists as the one in use (T085, T093). */
export function decideStanding(device: Device | undefined, { device: id, certificateId }: Speaker): Outcome<Enrolling> {
  if (device === undefined) return refused({ reason: 'device-unknown', device: id });
  if (isDenied(device)) return refused({ reason: 'denied', device: id, deniedAt: device.deniedAt });
  if (isRetired(device)) return refused({ reason: 'retired', device: id, retiredAt: device.retiredAt });
  if (isQuarantined(device)) return refused({ reason: 'quarantined', device: id, level: device.level });
  if (!isEnrolling(device)) return refused({ reason: 'not-registered', device: id });
  const expected = certificateInUse(device);
  if (certificateId === expected) return done(device);
  return refused({ reason: 'certificate-not-current', device: id, expected, got: certificateId });
}

/** Not before two thirds of the life of the one it replaces, and not in haste. */
export function decidePace(device: Enrolling, now: string): Outcome<Enrolling> {
  if (isOperational(device) && Date.parse(now) < Date.parse(device.current.renewFrom))
    return refused({ reason: 'renewal-early', renewFrom: device.current.renewFrom, now });
  const issuedAt = device.offered?.issuedAt;
  if (issuedAt !== undefined && Date.parse(now) < Date.parse(issuedAt) + RESPITE_MINUTES * 60_000)
    return refused({ reason: 'issued-recently', issuedAt, now });
  return done(device);
}

/** The same request again is answered the same; the id of one request names no other (T088, T089). */
export function decideRepeat(intent: Intent, asked: { readonly csr: string }, device: Enrolling): Outcome<Intent> {
  const { requestId, csr: expected } = intent;
  if (asked.csr !== expected) return refused({ reason: 'request-differs', requestId, expected, got: asked.csr });
  // Asked for in a former life, or over a certificate that was replaced since.
  if (intent.epoch !== device.epoch || intent.over !== certificateInUse(device))
    return refused({ reason: 'request-over', requestId });
  return done(intent);
}

/** Two thirds of its life, whole seconds. */
export function renewFrom({ notBefore, notAfter }: Pick<Validity, 'notBefore' | 'notAfter'>): string {
  const [from, to] = [Date.parse(notBefore), Date.parse(notAfter)];
  return new Date(from + Math.floor(((to - from) * 2) / 3000) * 1000).toISOString();
}

interface Validity {
  readonly notBefore: string;
  readonly notAfter: string;
}

/** May this certificate, over which the confirmation came, become the current one? `repeated`: it is already. */
export function decideConfirmation(
  device: Device | undefined,
  connection: Speaker,
): Outcome<{ readonly device: Enrolling; readonly offered: OperationalCertificate } | 'repeated'> {
  if (device !== undefined && isEnrolling(device)) {
    const { offered } = device;
    if (offered?.certificateId === connection.certificateId) return done({ device, offered });
    if (isOperational(device) && device.current.certificateId === connection.certificateId) return done('repeated');
  }
  const standing = decideStanding(device, connection);
  if (standing.outcome === 'refused') return standing;
  // Over the factory certificate nothing is confirmed.
  const { device: id, certificateId: got } = connection;
  return refused({
    reason: 'certificate-not-current',
    device: id,
    expected: standing.value.offered?.certificateId ?? 'none',
    got,
  });
}
