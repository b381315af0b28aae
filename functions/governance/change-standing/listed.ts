// What becomes of a device that nobody owns? It can be denied, stolen before it was delivered for example, and nothing else.
import type { DeviceId } from '../../../shared/identity/device-id.ts';
import type { Device } from '../../../shared/lifecycle.ts';
import { denyListed } from '../../../shared/lifecycle-moves.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import { idClaimKey, listingKey, parseIdClaim, parseListing } from '../../../shared/whitelist/listing.ts';
import { parseWaiting, waitingKey } from '../../../shared/whitelist/waiting.ts';
import type { StandingAct } from './act.ts';
import type { ChangeStandingWorld } from './flow.ts';

export async function decideListed(
  act: StandingAct,
  id: DeviceId,
  { registry, clock }: ChangeStandingWorld,
): Promise<Outcome<Device>> {
  const [reserved, awaited] = await registry.read([idClaimKey(id), waitingKey(id)]);
  // No certificate of it can connect, and none can be revoked, before a manifest brings it.
  if (awaited !== undefined && parseWaiting(awaited).device === id && isAwaited(reserved))
    return refused({ reason: 'certificate-absent', device: id });
  const { fingerprint } = reserved === undefined ? {} : parseIdClaim(reserved);
  const [row] = fingerprint === undefined ? [] : await registry.read([listingKey(fingerprint)]);
  const listing = row === undefined ? undefined : parseListing(row);
  // An id that differs by case finds the other's reservation.
  if (listing?.device !== id) return refused({ reason: 'device-unknown', device: id });
  if (act.kind !== 'deny') return refused({ reason: 'not-owned', device: id });
  const { manufacturer, path, fingerprint: factoryCertificate } = listing;
  return done(denyListed({ id, manufacturer, path, factoryCertificate }, { cause: act.cause, now: clock.now() }));
}

function isAwaited(reserved: unknown): boolean {
  return reserved !== undefined && parseIdClaim(reserved).fingerprint === undefined;
}
