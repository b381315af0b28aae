// What does an admission leave? The row, its entry and a request to align-broker, once, however often the notice comes.
import { recordEntry, STREAMS, type Detail } from '../../../shared/ledger/entry.ts';
import { deviceKey, isAdmitted, type Device, type RegisteredDevice } from '../../../shared/lifecycle.ts';
import { markPending } from '../../../shared/lifecycle-moves.ts';
import { done, Fault } from '../../../shared/outcome.ts';
import type { Attempt, Known, RegisterDeviceWorld } from './flow.ts';
import { listingInputs, noticeInputs } from './inputs.ts';

export async function admit(next: RegisteredDevice, known: Known, world: RegisterDeviceWorld): Promise<Attempt> {
  const { device: previous, listing } = known;
  if (previous === undefined || listing === undefined)
    throw new Fault('row-malformed', `device "${next.id}": admitted without a row`);
  const inputs = { ...noticeInputs(known.notice), listing: listingInputs(listing), deviceVersion: previous.version };
  const entry = deviceEntry({ next, kind: 'admitted', time: next.registeredAt, inputs }, known, world);
  const result = await world.registry.commit([{ replace: deviceKey(next.id), previous, next }, entry]);
  if (result === 'lost') return 'lost';
  // A crash here leaves the row `registered` and pending: the sweep of align-broker finds it.
  await world.alignments.request(next.id);
  return done({ device: next.id, verdict: 'admitted' });
}

/** The device was admitted, yet the broker closed it again: IoT Core has a fresh registration that nobody activated. */
export async function repeat(device: Device, known: Known, world: RegisterDeviceWorld): Promise<Attempt> {
  const { notice } = known;
  const answer = done({ device: device.id, verdict: 'repeated' as const });
  // Its presence says that the broker lets it in, as it should.
  if (notice.event === 'presence' && isAdmitted(device)) return answer;
  // A duplicate or a straggler tells of a time before the broker was last seen to match.
  if (device.alignedAt !== undefined && Date.parse(notice.connectedAt) <= Date.parse(device.alignedAt)) return answer;
  if (device.brokerPending === undefined) {
    const now = world.clock.now();
    const next = markPending(device, now);
    const inputs = { ...noticeInputs(notice), deviceVersion: device.version };
    const entry = deviceEntry({ next, kind: 'alignment-requested', time: now, inputs }, known, world);
    const result = await world.registry.commit([{ replace: deviceKey(device.id), previous: device, next }, entry]);
    if (result === 'lost') return 'lost';
  }
  await world.alignments.request(device.id);
  return answer;
}

interface DeviceRecord {
  readonly next: Device;
  readonly kind: 'admitted' | 'alignment-requested';
  readonly time: string;
  readonly inputs: Detail['inputs'];
}

function deviceEntry({ next, kind, time, inputs }: DeviceRecord, { notice }: Known, world: RegisterDeviceWorld) {
  const detail: Detail = {
    actor: { kind: 'certificate', certificateId: notice.certificateId },
    decision: 'done',
    ...(next.owner === undefined ? {} : { owner: next.owner }),
    device: next.id,
    inputs,
    requestId: world.requestId,
  };
  return recordEntry({ stream: STREAMS.device(next.id), seq: next.version, kind, time, detail }, world.random);
}
