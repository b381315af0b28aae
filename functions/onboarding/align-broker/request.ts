// What can `align-broker` be asked? To look at one device, or to look for devices that were forgotten.
import * as z from 'zod';

import { firstProblem, parseJson } from '../../../shared/json.ts';
import { parseDeviceId, type DeviceId } from '../../../shared/identity/device-id.ts';
import { refused, type Outcome } from '../../../shared/outcome.ts';

const REQUEST = z.strictObject({ device: z.string() });
const SWEEP = z.strictObject({ sweep: z.literal(true) });

export function parseRequest(body: string): Outcome<DeviceId> {
  const request = REQUEST.safeParse(parseJson(body));
  if (request.success) return parseDeviceId(request.data.device);
  return refused({ reason: 'request-malformed', problem: firstProblem(request.error.issues) });
}

export function isSweep(event: unknown): boolean {
  return SWEEP.safeParse(event).success;
}
