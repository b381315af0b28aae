// Who may act for this device at the broker right now? One worker at a time, so that a late one undoes nothing.
import * as z from 'zod';

import { Fault } from '../../../shared/outcome.ts';
import type { Clock, Registry } from '../../../shared/ports.ts';

/** Longer than the function may run: a worker that still acts still holds its lease. */
export const LEASE_SECONDS = 60;

const ROW = z.object({ version: z.int().min(1), until: z.iso.datetime() });
export type Lease = z.infer<typeof ROW> & { readonly device: string };

/** Undefined while another worker holds it. */
export async function takeLease(device: string, registry: Registry, clock: Clock): Promise<Lease | undefined> {
  const [row] = await registry.read([leaseKey(device)]);
  const now = clock.now();
  const present = row === undefined ? undefined : parseLease(row);
  if (present !== undefined && Date.parse(present.until) > Date.parse(now)) return undefined;
  const until = new Date(Date.parse(now) + LEASE_SECONDS * 1000).toISOString();
  const next = { version: (present?.version ?? 0) + 1, until };
  const key = leaseKey(device);
  const change = present === undefined ? { create: key, row: next } : { replace: key, previous: present, next };
  return (await registry.commit([change])) === 'lost' ? undefined : { ...next, device };
}

/** A crash before this leaves the lease to expire. */
export async function releaseLease({ device, version, until }: Lease, registry: Registry, clock: Clock): Promise<void> {
  const next = { version: version + 1, until: clock.now() };
  await registry.commit([{ replace: leaseKey(device), previous: { version, until } as Lease, next }]);
}

function leaseKey(device: string) {
  return { table: 'devices', pk: `device#${device}`, sk: 'lease' } as const;
}

function parseLease(row: unknown): z.infer<typeof ROW> {
  const parsed = ROW.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Fault('row-malformed', 'lease row', { cause: parsed.error });
}
