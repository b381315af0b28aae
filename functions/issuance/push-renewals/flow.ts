// Step `push-renewals`, once a day: whose certificate has reached two thirds of its life? It is asked to renew, over the certificate that
// is to be replaced (blueprint step 3). The agent asks by itself too: who is away today is not forgotten.
// What was offered and never taken up ends, so that no device has two certificates for long (T087).
import { parseDevice } from '../../../shared/device-row.ts';
import type { Renew } from '../../../shared/issuance/messages.ts';
import { dayOf, parseRenewal, renewalsOn, type RenewalDue } from '../../../shared/issuance/renewal.ts';
import { withdrawUnused } from './unused.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { deviceKey, isOperational, type Device, type OperationalDevice } from '../../../shared/lifecycle.ts';
import { done, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, Clock, DeviceTopics, Registry } from '../../../shared/ports.ts';

export interface PushRenewalsWorld {
  readonly registry: Registry;
  readonly topics: DeviceTopics;
  readonly alignments: Pick<AlignmentQueue, 'request' | 'requestRevocation'>;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Pushed {
  readonly day: string;
  readonly due: number;
  readonly asked: number;
  /** Certificates that nobody has taken up, and that have ended now. */
  readonly withdrawn: number;
}

/** Days on which a device is asked, after the one on which its certificate is due: it may be switched off. */
const ASKED_AGAIN = [0, 1, 3, 7, 14, 21];
/** Reads of one call. */
const AT_ONCE = 100;

export async function pushRenewals(world: PushRenewalsWorld): Promise<Outcome<Pushed>> {
  const now = world.clock.now();
  let [due, asked] = [0, 0];
  for (const ago of ASKED_AGAIN) {
    const { table, pk } = renewalsOn(dayOf(new Date(Date.parse(now) - ago * 86_400_000).toISOString()));
    const rows = (await world.registry.list(table, pk, '')).map((row) => parseRenewal(row));
    due += rows.length;
    for (let at = 0; at < rows.length; at += AT_ONCE) asked += await askAll(rows.slice(at, at + AT_ONCE), now, world);
  }
  const pushed = { day: dayOf(now), due, asked, withdrawn: await withdrawUnused(now, world) };
  await record(pushed, world);
  return done(pushed);
}

async function askAll(rows: readonly RenewalDue[], now: string, world: PushRenewalsWorld): Promise<number> {
  const devices = await world.registry.read(rows.map(({ device }) => deviceKey(device)));
  const stillDue = rows.flatMap(({ certificateId }, index) => {
    const row = devices[index];
    const device = row === undefined ? undefined : parseDevice(row);
    return device !== undefined && isDue(device, certificateId, now) ? [device] : [];
  });
  for (const device of stillDue) await ask(device, world);
  return stillDue.length;
}

/** Renewed meanwhile, or out of operation: nothing to ask. */
function isDue(device: Device, certificateId: string, now: string): device is OperationalDevice {
  if (!isOperational(device) || device.current.certificateId !== certificateId) return false;
  return Date.parse(device.current.renewFrom) <= Date.parse(now);
}

async function ask({ id, current }: OperationalDevice, { topics }: PushRenewalsWorld): Promise<void> {
  const { certificateId, renewFrom } = current;
  const body: Renew = { certificateId, renewFrom };
  await topics.publish(`wardkey/${id}/certificate/renew`, body);
}

/** One entry a day: asking gives nothing and takes nothing. A second run of the day is not recorded again. */
async function record({ day, ...counted }: Pushed, world: PushRenewalsWorld): Promise<void> {
  const actor = { kind: 'step', step: 'push-renewals' } as const;
  const detail = { actor, decision: 'done', inputs: { day, ...counted }, requestId: world.requestId } as const;
  const time = world.clock.now();
  const draft = { stream: STREAMS.renewals(day), seq: 1, kind: 'renewal-asked', time, detail } as const;
  await world.registry.commit([recordEntry(draft, world.random)]);
}
