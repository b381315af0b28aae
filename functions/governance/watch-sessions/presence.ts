// What does AWS IoT Core say of connects and disconnects? At least once, unordered; nothing but the members below is read.
// https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html
import * as z from 'zod';

import type { Presence } from '../../../shared/governance/session.ts';
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';

const EVENT = z.object({
  eventType: z.enum(['connected', 'disconnected']),
  clientId: z.string().max(128),
  principalIdentifier: z.string().max(128),
  sessionIdentifier: z.string().max(128),
  ipAddress: z.string().max(64).optional(),
  timestamp: z.int().min(0).max(8_640_000_000_000_000),
});

export function parsePresence(body: string): Outcome<Presence> {
  const event = EVENT.safeParse(parseJson(body));
  if (!event.success) return refused({ reason: 'notice-malformed', problem: firstProblem(event.error.issues) });
  const { eventType, clientId, principalIdentifier, sessionIdentifier, ipAddress, timestamp } = event.data;
  const device = parseDeviceId(clientId);
  if (device.outcome === 'refused') return device;
  return done({
    event: eventType,
    device: device.value,
    certificateId: principalIdentifier,
    session: sessionIdentifier,
    address: ipAddress,
    at: new Date(timestamp).toISOString(),
  });
}
