// What did a device say, and over which certificate? An IoT rule adds what the broker knows of the connection; nothing that
// the device itself says of who it is counts (T085, T093).
import * as z from 'zod';

import { parseDeviceId, type DeviceId } from '../identity/device-id.ts';
import { firstProblem, parseJson } from '../json.ts';
import { done, refused, type Outcome } from '../outcome.ts';

/** As the broker saw it. */
export interface Connection {
  /** The thing that the topic names, which is also the client id. */
  readonly device: DeviceId;
  /** SHA-256 of the certificate over which the message came. */
  readonly certificateId: string;
  readonly receivedAt: string;
}

export interface DeviceMessage {
  readonly connection: Connection;
  /** The payload, byte for byte. */
  readonly payload: Uint8Array;
}

const ENVELOPE = z.object({
  message: z.base64().max(32_768),
  client: z.string().max(128),
  thing: z.string().max(128),
  principal: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
  receivedAt: z.int().min(0).max(8_640_000_000_000_000),
});

export function parseDeviceMessage(body: string): Outcome<DeviceMessage> {
  const envelope = ENVELOPE.safeParse(parseJson(body));
  if (!envelope.success) return refused({ reason: 'request-malformed', problem: firstProblem(envelope.error.issues) });
  const { message, client, thing, principal, receivedAt } = envelope.data;
  const device = parseDeviceId(thing);
  if (device.outcome === 'refused') return device;
  // The broker's policy lets nobody publish under another name; a rule or policy that were changed would (T085).
  if (client !== thing) return refused({ reason: 'channel-differs', expected: thing, got: client });
  const at = new Date(receivedAt).toISOString();
  const connection = { device: device.value, certificateId: principal, receivedAt: at };
  return done({ connection, payload: Buffer.from(message, 'base64') });
}
