// What does Amazon S3 say when a signature was dropped? "Object Created" through Amazon EventBridge, at least once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
import * as z from 'zod';

import { isManufacturerCode } from '../../../shared/identity/device-id.ts';
import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';

export interface Delivery {
  /** Key of the detached signature that arrived. */
  readonly signatureKey: string;
  /** The version that arrived; the local cloud does not tell it, and then the newest is taken. */
  readonly signatureVersion?: string;
  /** Key of the manifest it belongs to: the same without `.jws`. */
  readonly manifestKey: string;
  /** The folder it was dropped into. */
  readonly manufacturer: string;
  /** Who put it there, as S3 says: an account or a service. */
  readonly deliveredBy: string;
}

const EVENT = z.object({
  detail: z.object({
    object: z.object({ key: z.string().min(1).max(1024), 'version-id': z.string().min(1).max(1024).optional() }),
    requester: z.string().max(256).default('unknown'),
  }),
});

/** manifests/<manufacturer>/<name>.jws; no further folders, so that a name cannot climb into another's. */
const SIGNATURE_KEY = /^(manifests\/([^/]+)\/[A-Za-z0-9._-]+)\.jws$/;

export function parseDelivery(body: string): Outcome<Delivery> {
  const event = EVENT.safeParse(parseJson(body));
  if (!event.success) return refused({ reason: 'delivery-malformed', problem: firstProblem(event.error.issues) });
  const { object, requester } = event.data.detail;
  const [, manifestKey, manufacturer] = SIGNATURE_KEY.exec(object.key) ?? [];
  if (manifestKey === undefined || manufacturer === undefined || !isManufacturerCode(manufacturer)) {
    return refused({ reason: 'delivery-malformed', problem: 'expected a key manifests/<manufacturer>/<name>.jws' });
  }
  const version = object['version-id'];
  const signature = { signatureKey: object.key, ...(version === undefined ? {} : { signatureVersion: version }) };
  return done({ ...signature, manifestKey, manufacturer, deliveredBy: requester });
}
