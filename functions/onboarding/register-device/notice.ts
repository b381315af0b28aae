// What does AWS IoT Core say at a first connect? At least once, unordered; nothing but the members below is ever read.
// Registration: https://docs.aws.amazon.com/iot/latest/developerguide/auto-register-device-cert.html, repeated at every
// connect while the certificate waits. Presence: https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html,
// at every connect of every device; it is the first connect of one whose certificate was registered beforehand.
import * as z from 'zod';

import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';

interface NoticeCore {
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly certificateId: string;
  /** When the device connected, ISO 8601; the broker's clock. */
  readonly connectedAt: string;
}

export interface RegistrationNotice extends NoticeCore {
  readonly event: 'registration';
  readonly authorityId: string;
  readonly status: string;
}

export interface PresenceNotice extends NoticeCore {
  readonly event: 'presence';
}

export type Notice = RegistrationNotice | PresenceNotice;

const HEX_SHA256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const TIME = z.int().min(0).max(8_640_000_000_000_000);

// Unknown members are ignored, not refused: AWS may add some.
const REGISTRATION = z.object({
  certificateId: HEX_SHA256,
  caCertificateId: HEX_SHA256,
  certificateStatus: z.string().max(64),
  awsAccountId: z.string().regex(/^\d{12}$/, 'expected 12 digits'),
  timestamp: TIME,
});

const PRESENCE = z.object({ eventType: z.literal('connected'), principalIdentifier: HEX_SHA256, timestamp: TIME });

/** `account` is our own: another account's rule that reached our queue is not our broker (T043). */
export function parseNotice(body: string, account: string): Outcome<Notice> {
  const event = parseJson(body);
  const presence = PRESENCE.safeParse(event);
  if (presence.success) {
    const { principalIdentifier, timestamp } = presence.data;
    return done({ event: 'presence', certificateId: principalIdentifier, connectedAt: timeOf(timestamp) });
  }
  const registration = REGISTRATION.safeParse(event);
  if (!registration.success)
    return refused({ reason: 'notice-malformed', problem: firstProblem(registration.error.issues) });
  const { certificateId, caCertificateId, certificateStatus, awsAccountId, timestamp } = registration.data;
  if (awsAccountId !== account) return refused({ reason: 'account-differs', expected: account, got: awsAccountId });
  const connectedAt = timeOf(timestamp);
  return done({
    event: 'registration',
    certificateId,
    authorityId: caCertificateId,
    status: certificateStatus,
    connectedAt,
  });
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}
