// What will the next revocation list say? Fixed with its number before it is signed: no two lists share one.
import { createHash } from 'node:crypto';

import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import { parseRevoked, REVOKED_PREFIX, revokedOf, type RevokedCertificate } from '../../../shared/issuance/ending.ts';
import {
  LIST_DAYS,
  listStateKey,
  pendingListName,
  stillNamed,
  type ListState,
} from '../../../shared/issuance/list-state.ts';
import { prepareRevocationList } from '../../../shared/issuance/prepare-list.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { PublishCrlWorld } from './flow.ts';
import { listEntry } from './record.ts';

export interface Named {
  readonly revoked: readonly RevokedCertificate[];
  /** SHA-256 of their serials. */
  readonly digest: string;
}

export async function readNamed(
  issuer: string,
  present: ListState | undefined,
  { registry }: PublishCrlWorld,
): Promise<Named> {
  const { table, pk } = revokedOf(issuer);
  const rows = await registry.list(table, pk, REVOKED_PREFIX);
  const revoked = rows.map((row) => parseRevoked(row)).filter((one) => stillNamed(one, present));
  const serials = revoked.map(({ serial }) => serial).sort();
  return { revoked, digest: sha256(serials.join('\n')) };
}

export interface Intending {
  readonly authority: IssuingAuthority;
  readonly present: ListState | undefined;
  readonly named: Named;
}

export async function intendList({ authority, present, named }: Intending, world: PublishCrlWorld): Promise<ListState> {
  const now = world.clock.now();
  const issuer = authority.certificate.fingerprint;
  const number = (present?.number ?? 0) + 1;
  const nextUpdate = new Date(Date.parse(now) + LIST_DAYS * 86_400_000).toISOString();
  const order = { issuer: authority.issuer, number, thisUpdate: now, nextUpdate, revoked: named.revoked };
  const prepared = prepareRevocationList(order);
  if (prepared.outcome === 'refused')
    throw new Fault('row-malformed', `revocation list of "${issuer}": ${prepared.refusal.reason}`);
  const { tbs, thisUpdate, nextUpdate: ends } = prepared.value;
  // The bytes first. A crash here leaves an object that no row names; the next attempt writes over it.
  await world.lists.write(pendingListName(issuer, number), tbs);
  const next: ListState = {
    ...{ version: (present?.version ?? 0) + 1, number, thisUpdate, nextUpdate: ends },
    names: named.digest,
    tbs: sha256(tbs),
  };
  const key = listStateKey(issuer);
  const change = present === undefined ? { create: key, row: next } : { replace: key, previous: present, next };
  const inputs = { names: named.revoked.length, tbs: next.tbs, thisUpdate, nextUpdate: ends };
  const entry = listEntry({ authority, state: next, kind: 'revocation-list-intended', inputs }, world);
  if ((await world.registry.commit([change, entry])) === 'committed') return next;
  throw new Fault('comparison-lost', `revocation list of "${issuer}": another worker was faster`);
}

/** Only the bytes that the row committed to are signed: two workers may have written one after the other. */
export async function readTbs(
  issuer: string,
  { number, tbs }: ListState,
  { lists }: Pick<PublishCrlWorld, 'lists'>,
): Promise<Uint8Array> {
  const bytes = await lists.read(pendingListName(issuer, number));
  if (bytes !== undefined && sha256(bytes) === tbs) return bytes;
  throw new Fault('row-malformed', `revocation list ${number} of "${issuer}": its bytes are not those of its row`);
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
