// How does a step answer a device? It acts for whoever the broker says is connected; a refusal is recorded once, and the
// device learns no more than that it was refused.
import { parseDevice } from '../shared/device-row.ts';
import { parseDeviceMessage, type Connection, type DeviceMessage } from '../shared/issuance/device-message.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../shared/ledger/entry.ts';
import { deviceKey } from '../shared/lifecycle.ts';
import type { Outcome } from '../shared/outcome.ts';
import type { Clock, DeviceTopics, Registry } from '../shared/ports.ts';
import type { Refusal } from '../shared/reasons.ts';
import { refusalKey } from '../shared/whitelist/refusal.ts';

export interface AnswerWorld {
  readonly registry: Registry;
  readonly topics: DeviceTopics;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

/** A refusal has its entry when this returns. Without a connection that can be believed, nothing is recorded or answered. */
export async function answerDevice<T>(
  body: string,
  world: AnswerWorld,
  run: (message: DeviceMessage) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const message = parseDeviceMessage(body);
  if (message.outcome === 'refused') return message;
  const outcome = await run(message.value);
  if (outcome.outcome === 'refused') await recordRefusal(outcome.refusal, message.value.connection, world);
  return outcome;
}

/** One entry per (certificate, reason, version of the device row); a repeat only counts. */
async function recordRefusal(refusal: Refusal, connection: Connection, world: AnswerWorld): Promise<void> {
  const { registry, clock, random, requestId } = world;
  const { device: id, certificateId, receivedAt } = connection;
  const { reason } = refusal;
  const [stored] = await registry.read([deviceKey(id)]);
  const device = stored === undefined ? undefined : parseDevice(stored);
  const [time, deviceVersion] = [clock.now(), device?.version ?? 0];
  const detail = {
    actor: { kind: 'certificate', certificateId },
    decision: 'refused',
    reason,
    ...(device?.owner === undefined ? {} : { owner: device.owner }),
    device: id,
    inputs: { receivedAt, compared: { ...refusal }, deviceVersion },
    requestId,
  } as const;
  const stream = STREAMS.refusal(certificateId, reason, deviceVersion);
  const key = refusalKey(certificateId, reason, deviceVersion);
  const recorded = await registry.commit([
    { create: key, row: { version: 1, reason, at: time, device: id, deviceVersion, refusal } },
    recordEntry({ stream, seq: 1, kind: 'refused', time, detail }, random),
  ]);
  if (recorded === 'lost') await registry.countRepeat(key);
}

export function certificateTopic(device: string, topic: 'accepted' | 'rejected' | 'renew'): string {
  return `wardkey/${device}/certificate/${topic}`;
}
