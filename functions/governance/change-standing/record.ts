// What does the ledger say of a change of standing?
import type { Json } from '../../../shared/canonical.ts';
import { recordEntry, STREAMS, type EntryKind } from '../../../shared/ledger/entry.ts';
import type { Device } from '../../../shared/lifecycle.ts';
import type { StandingAct } from './act.ts';
import type { ChangeStandingWorld } from './flow.ts';

const KINDS: Readonly<Record<StandingAct['kind'], EntryKind>> = {
  quarantine: 'quarantined',
  deny: 'denied',
  retire: 'retired',
  'open-window': 'window-opened',
  place: 'placed',
};

export interface StandingRecord {
  readonly act: StandingAct;
  readonly previous: Device | undefined;
  readonly next: Device;
  readonly principal: string;
}

export function standingEntry(
  { act, previous, next, principal }: StandingRecord,
  { clock, random, requestId }: ChangeStandingWorld,
) {
  const { id, version: seq, owner, epoch } = next;
  const { kind, device, ...asked } = act;
  const from = previous?.state ?? 'listed';
  const inputs = { ...(asked as Readonly<Record<string, Json>>), ...windowOf(next), from, epoch };
  const detail = {
    actor: { kind: 'iam', principal },
    decision: 'done',
    ...(owner === undefined ? {} : { owner }),
    device: id,
    inputs,
    requestId,
  } as const;
  return recordEntry({ stream: STREAMS.device(id), seq, kind: KINDS[kind], time: clock.now(), detail }, random);
}

function windowOf(device: Device) {
  return 'window' in device ? { window: { ...device.window } } : {};
}
