// Step `watch-sessions`: where is each device connected, and does anything say that its key is in two places? (T053)
import { parseDevice } from '../../../shared/device-row.ts';
import {
  alternates,
  observe,
  parseSessions,
  sessionKey,
  type Presence,
  type Sessions,
} from '../../../shared/governance/session.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { deviceKey, operationalOf, type Device } from '../../../shared/lifecycle.ts';
import { done, Fault, type Outcome } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import { suspectClone, type SuspectWorld } from '../../suspect-clone.ts';
import { parsePresence } from './presence.ts';

export interface Watched {
  readonly device: string;
  /** `suspected`: an alarm rings; `quarantined`: its owner wishes that too. `unknown`: not a certificate of this device. */
  readonly sign: 'none' | 'late' | 'unknown' | 'suspected' | 'quarantined';
}

const ATTEMPTS = 3;

export async function watchSessions(body: string, world: SuspectWorld): Promise<Outcome<Watched>> {
  const presence = parsePresence(body);
  if (presence.outcome === 'refused') return presence;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const sign = await watchOnce(presence.value, world);
    if (sign !== 'lost') return done({ device: presence.value.device, sign });
  }
  throw new Fault('comparison-lost', `device "${presence.value.device}": another writer was faster ${ATTEMPTS} times`);
}

async function watchOnce(seen: Presence, world: SuspectWorld): Promise<Watched['sign'] | 'lost'> {
  // 1 Read what is known; only a certificate that the row of this device names speaks for it.
  const [row, known] = await world.registry.read([deviceKey(seen.device), sessionKey(seen.device)]);
  const device = row === undefined ? undefined : parseDevice(row);
  if (device === undefined || !speaksFor(device, seen.certificateId)) return 'unknown';
  const present = known === undefined ? undefined : parseSessions(known);
  // 2 Decide: a late event says nothing, and a device that moves is no clone.
  const next = observe(present, seen);
  if (next === undefined) return 'late';
  const suspected = seen.event === 'connected' && alternates(next);
  // 3 Record the newest session, and the suspicion with what it stands on.
  const changes = [sessionChange(seen.device, present, next), ...(suspected ? [suspicion(device, next, world)] : [])];
  if ((await world.registry.commit(changes)) === 'lost') return 'lost';
  if (!suspected) return 'none';
  // A crash here leaves the suspicion recorded; the next change of address asks again.
  const { certificateId } = seen;
  const clone = { step: 'watch-sessions', sign: 'alternating-addresses', certificateId } as const;
  return (await suspectClone(device, clone, world)) === 'quarantined' ? 'quarantined' : 'suspected';
}

function speaksFor(device: Device, certificateId: string): boolean {
  if (device.factoryCertificate === certificateId) return true;
  return operationalOf(device).some(({ certificate }) => certificate.certificateId === certificateId);
}

function sessionChange(device: string, previous: Sessions | undefined, next: Sessions): Change {
  const key = sessionKey(device);
  return previous === undefined ? { create: key, row: next } : { replace: key, previous, next };
}

function suspicion({ id, owner }: Device, next: Sessions, { clock, random, requestId }: SuspectWorld): Change {
  const { certificateId, version, changes } = next;
  const inputs = { certificateId, addressChanges: [...changes], sign: 'alternating-addresses' };
  const actor = { kind: 'step', step: 'watch-sessions' } as const;
  const about = owner === undefined ? {} : { owner };
  const detail = { actor, decision: 'done', ...about, device: id, inputs, requestId } as const;
  const stream = STREAMS.suspicion(id, version);
  return recordEntry({ stream, seq: 1, kind: 'clone-suspected', time: clock.now(), detail }, random);
}
