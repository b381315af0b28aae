// What does AWS IoT Core say at a first connect? The JITR event, at least once, unordered, repeated at every connect.
// https://docs.aws.amazon.com/iot/latest/developerguide/auto-register-device-cert.html
import * as z from 'zod';

import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';

export interface Notice {
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly certificateId: string;
  readonly authorityId: string;
  readonly status: string;
  /** When the device connected, ISO 8601; the broker's clock. */
  readonly connectedAt: string;
}

const HEX_SHA256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

// Unknown members are ignored, not refused: AWS may add some. Nothing but these four is ever read.
const EVENT = z.object({
  certificateId: HEX_SHA256,
  caCertificateId: HEX_SHA256,
  certificateStatus: z.string().max(64),
  awsAccountId: z.string().regex(/^\d{12}$/, 'expected 12 digits'),
  timestamp: z.int().min(0).max(8_640_000_000_000_000),
});

/** `account` is our own: another account's rule that reached our queue is not our broker (T043). */
export function parseNotice(body: string, account: string): Outcome<Notice> {
  const event = EVENT.safeParse(parseJson(body));
  if (!event.success) return refused({ reason: 'notice-malformed', problem: firstProblem(event.error.issues) });
  const { certificateId, caCertificateId, certificateStatus, awsAccountId, timestamp } = event.data;
  if (awsAccountId !== account) return refused({ reason: 'account-differs', expected: account, got: awsAccountId });
  const connectedAt = new Date(timestamp).toISOString();
  return done({ certificateId, authorityId: caCertificateId, status: certificateStatus, connectedAt });
}
