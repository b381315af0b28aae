// What can `align-broker` be asked? To look at one device or certificate, or to look for those that were forgotten.
import * as z from 'zod';

import { parseDeviceId, type DeviceId } from '../../../shared/identity/device-id.ts';
import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';

export type AlignmentRequest = { readonly device: DeviceId } | { readonly certificate: string };

const REQUEST = z.union([
  z.strictObject({ device: z.string() }),
  z.strictObject({ certificate: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits') }),
]);
const SWEEP = z.strictObject({ sweep: z.literal(true) });

export function parseRequest(body: string): Outcome<AlignmentRequest> {
  const request = REQUEST.safeParse(parseJson(body));
  if (!request.success) return refused({ reason: 'request-malformed', problem: firstProblem(request.error.issues) });
  if ('certificate' in request.data) return done(request.data);
  const device = parseDeviceId(request.data.device);
  return device.outcome === 'refused' ? device : done({ device: device.value });
}

export function isSweep(event: unknown): boolean {
  return SWEEP.safeParse(event).success;
}
