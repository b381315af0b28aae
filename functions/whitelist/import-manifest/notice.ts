// What does Amazon S3 say when a delivery is complete? "Object Created" through Amazon EventBridge, at least once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
import * as z from 'zod';

import { isManufacturerCode } from '../../../shared/identity/device-id.ts';
import { firstProblem, parseJson } from '../../../shared/json.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import { formatOf } from '../../../shared/whitelist/formats/formats.ts';
import type { ManifestFormat } from '../../../shared/whitelist/formats/format.ts';

export interface Delivery {
  /** Key of what arrived and completes the delivery: a detached signature, or a manifest whose entries are signed. */
  readonly signatureKey: string;
  /** The version that arrived; the local cloud does not tell it, and then the newest is taken. */
  readonly signatureVersion?: string;
  /** Key of the manifest: the same without `.jws`, or the same. */
  readonly manifestKey: string;
  readonly format: ManifestFormat;
  /** File name without its ending: the lot, where the format does not say it. */
  readonly name: string;
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

/** manifests/<manufacturer>/<name>.<ending>[.jws]; no further folders, so that a name cannot climb into another's. */
const KEY = /^(manifests\/([^/]+)\/(([A-Za-z0-9._-]+?)\.[a-z]+))(\.jws)?$/;

export function parseDelivery(body: string): Outcome<Delivery> {
  const event = EVENT.safeParse(parseJson(body));
  if (!event.success) return refused({ reason: 'delivery-malformed', problem: firstProblem(event.error.issues) });
  const { object, requester } = event.data.detail;
  const [, manifestKey, manufacturer, fileName, name, detached] = KEY.exec(object.key) ?? [];
  if (manifestKey === undefined || manufacturer === undefined || fileName === undefined || name === undefined) {
    return malformed('expected a key manifests/<manufacturer>/<name>.<ending>, or that with .jws');
  }
  if (!isManufacturerCode(manufacturer)) return malformed('expected a manufacturer code of 2 to 16 a-z 0-9');
  const format = formatOf(fileName);
  if (format.outcome === 'refused') return format;
  // A manifest without its signature is no delivery yet; one that signs each entry needs none.
  const complete = format.value.signature === (detached === undefined ? 'entry' : 'file');
  if (!complete) return malformed(`the format "${format.value.name}" is signed by ${format.value.signature}`);
  const version = object['version-id'];
  return done({
    signatureKey: object.key,
    ...(version === undefined ? {} : { signatureVersion: version }),
    manifestKey,
    format: format.value,
    name,
    manufacturer,
    deliveredBy: requester,
  });
}

function malformed(problem: string) {
  return refused({ reason: 'delivery-malformed', problem });
}
