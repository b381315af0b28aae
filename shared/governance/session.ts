// Where is a device connected, and does anything say that its key is in two places? From the broker's presence events, which
// come at least once and in any order (T053).
import { createHash } from 'node:crypto';
import * as z from 'zod';

import { parseRow } from '../rows.ts';

/** Two holders of one certificate throw each other out: so many changes of address in so many seconds are no roaming. */
export const ALTERNATIONS = { most: 3, seconds: 60 } as const;

/** Ends that came too early; a device does not reconnect more often before their begins come. */
const REMEMBERED = 4;

const ROW = z.object({
  version: z.int().min(1),
  /** The certificate of the newest session, and the digest of the address it came from. */
  certificateId: z.string(),
  address: z.string(),
  session: z.string(),
  connectedAt: z.iso.datetime(),
  /** Absent while the session is open. */
  endedAt: z.iso.datetime().optional(),
  /** Sessions whose end was heard before their begin. */
  ended: z.array(z.string()).max(REMEMBERED).default([]),
  /** When the address changed under the same certificate, newest last. */
  changes: z.array(z.iso.datetime()).max(ALTERNATIONS.most + 1),
});

export type Sessions = z.infer<typeof ROW>;

export interface Presence {
  readonly event: 'connected' | 'disconnected';
  readonly device: string;
  readonly certificateId: string;
  readonly session: string;
  /** Of a connect only. */
  readonly address?: string | undefined;
  readonly at: string;
}

export function sessionKey(device: string) {
  return { table: 'devices', pk: `session#${device}`, sk: 'row' } as const;
}

export function parseSessions(row: unknown): Sessions {
  return parseRow(ROW, row, 'session row');
}

/** Addresses are compared, never kept: a digest bound to the device says the same. */
export function addressDigest(device: string, address: string): string {
  return createHash('sha256').update(`wardkey-address/1\0${device}\0${address}`).digest('hex').slice(0, 32);
}

/** The row after this event; undefined when it tells of a time before the newest session. */
export function observe(present: Sessions | undefined, seen: Presence): Sessions | undefined {
  if (seen.event === 'disconnected') return close(present, seen);
  if (present !== undefined && Date.parse(seen.at) <= Date.parse(present.connectedAt)) return undefined;
  const { certificateId, session, at: connectedAt, device } = seen;
  const address = addressDigest(device, seen.address ?? '');
  const moved = present?.certificateId === certificateId && present.address !== '' && present.address !== address;
  const recent = (present?.changes ?? []).filter((time) => isRecent(time, connectedAt));
  const changes = [...recent, ...(moved ? [connectedAt] : [])].slice(-(ALTERNATIONS.most + 1));
  const ended = present?.ended ?? [];
  const over = ended.includes(session) ? { endedAt: connectedAt } : {};
  return {
    version: (present?.version ?? 0) + 1,
    certificateId,
    address,
    session,
    connectedAt,
    ...over,
    ended,
    changes,
  };
}

function close(present: Sessions | undefined, seen: Presence): Sessions | undefined {
  const { session, at } = seen;
  if (present?.session === session)
    return present.endedAt === undefined ? { ...present, version: present.version + 1, endedAt: at } : undefined;
  // Of a session that another has replaced, or whose begin is still on its way: then it never was open.
  const known = present ?? nobody(seen);
  if (known.ended.includes(session)) return undefined;
  return { ...known, version: known.version + 1, ended: [...known.ended, session].slice(-REMEMBERED) };
}

/** Before the first connect that was heard of. */
function nobody({ certificateId }: Presence): Sessions {
  const never = new Date(0).toISOString();
  const none = { certificateId, address: '', session: '', connectedAt: never, endedAt: never };
  return { version: 0, ...none, ended: [], changes: [] };
}

/** More changes of address in a minute than a device makes that moves: two hold its key. */
export function alternates({ changes, connectedAt }: Sessions): boolean {
  return changes.filter((time) => isRecent(time, connectedAt)).length > ALTERNATIONS.most;
}

function isRecent(time: string, now: string): boolean {
  return Date.parse(now) - Date.parse(time) < ALTERNATIONS.seconds * 1000;
}

/** Whether a session over this certificate was open when the broker last spoke of the device. */
export function isLive(present: Sessions | undefined, certificateId: string): boolean {
  return present?.certificateId === certificateId && present.endedAt === undefined;
}
