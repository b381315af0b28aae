// What follows from a sign that a device's key is in two places? An alarm, always; a quarantine only where the device's owner
// wishes it, because whoever holds the copy could otherwise take any device away from its patient (T053, T075).
import { parseOwner, ownerKey } from '../shared/identity/owner.ts';
import { endedCertificates } from '../shared/issuance/ending.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../shared/ledger/entry.ts';
import { deviceKey, type Device, type QuarantinedDevice } from '../shared/lifecycle.ts';
import { quarantine } from '../shared/lifecycle-moves.ts';
import type { AlignmentQueue, Clock, Registry } from '../shared/ports.ts';
import { endingChanges } from './end-certificates.ts';

export interface SuspectWorld {
  readonly registry: Registry;
  readonly alignments: Pick<AlignmentQueue, 'request' | 'requestRevocation'>;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Suspicion {
  /** The step that saw it. */
  readonly step: string;
  readonly sign: 'consumed-certificate' | 'alternating-addresses';
  readonly certificateId: string;
}

/** `kept`: it stays as it is, by its owner's wish or because it is in quarantine already. */
export async function suspectClone(
  device: Device,
  suspicion: Suspicion,
  world: SuspectWorld,
): Promise<'kept' | 'quarantined' | 'lost'> {
  const { registry, clock } = world;
  if (device.owner === undefined) return 'kept';
  const [row] = await registry.read([ownerKey(device.owner)]);
  const wish = row === undefined ? 'alarm' : (parseOwner(row).onClone ?? 'alarm');
  if (wish === 'alarm') return 'kept';
  const now = clock.now();
  const next = quarantine(device, { level: wish === 'cut' ? 'cut' : 'restricted', cause: 'clone', now });
  if (next === undefined) return 'kept';
  const result = await registry.commit([
    { replace: deviceKey(device.id), previous: device, next },
    ...endingChanges(device, next, { step: suspicion.step, reason: 'keyCompromise', now, world }),
    quarantineEntry(device, next, { ...suspicion, world }),
  ]);
  if (result === 'lost') return 'lost';
  await world.alignments.request(device.id);
  for (const ended of endedCertificates(device, next)) await world.alignments.requestRevocation(ended);
  return 'quarantined';
}

type Record = Suspicion & { readonly world: SuspectWorld };

function quarantineEntry(
  previous: Device,
  { id, owner, version: seq, level, cause, quarantinedAt: time }: QuarantinedDevice,
  { step, sign, certificateId, world }: Record,
) {
  const inputs = { cause, level, sign, certificateId, from: previous.state, by: 'owner-policy' };
  const actor = { kind: 'step', step } as const;
  const detail = { actor, decision: 'done', owner, device: id, inputs, requestId: world.requestId } as const;
  return recordEntry({ stream: STREAMS.device(id), seq, kind: 'quarantined', time, detail }, world.random);
}
