// Step `push-renewals`, offers: which certificates were offered a day ago and never used? They end; the device may ask again.
import { parseDevice } from '../../../shared/device-row.ts';
import { OFFER_HOURS, dayOf, offersOn, parseRenewal, type RenewalDue } from '../../../shared/issuance/renewal.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { deviceKey, isEnrolling, type Device, type Enrolling } from '../../../shared/lifecycle.ts';
import { withdrawOffer } from '../../../shared/lifecycle-moves.ts';
import { endingChanges } from '../../end-certificates.ts';
import type { PushRenewalsWorld } from './flow.ts';

/** Days whose offers are looked at: a look that was missed is made up for. */
const LOOKED_BACK = [1, 2, 3];
const DAY_MS = 86_400_000;

/** How many have ended. A device that moves meanwhile is looked at tomorrow. */
export async function withdrawUnused(now: string, world: PushRenewalsWorld): Promise<number> {
  let withdrawn = 0;
  for (const ago of LOOKED_BACK) {
    const { table, pk } = offersOn(dayOf(new Date(Date.parse(now) - ago * DAY_MS).toISOString()));
    for (const row of await world.registry.list(table, pk, ''))
      if (await withdraw(parseRenewal(row), now, world)) withdrawn += 1;
  }
  return withdrawn;
}

async function withdraw({ device: id, certificateId }: RenewalDue, now: string, world: PushRenewalsWorld) {
  const [row] = await world.registry.read([deviceKey(id)]);
  const previous = row === undefined ? undefined : parseDevice(row);
  if (previous === undefined || !isUnused(previous, certificateId, now)) return false;
  const next = withdrawOffer(previous, now);
  const result = await world.registry.commit([
    { replace: deviceKey(id), previous, next },
    ...endingChanges(previous, next, { step: 'push-renewals', reason: 'cessationOfOperation', now, world }),
    withdrawalEntry(next, certificateId, world),
  ]);
  if (result === 'lost') return false;
  // A crash here leaves both rows pending: the sweep of align-broker finds them.
  await world.alignments.request(id);
  await world.alignments.requestRevocation(certificateId);
  return true;
}

/** Still only offered, and for longer than it may be. */
function isUnused(device: Device, certificateId: string, now: string): device is Enrolling {
  if (!isEnrolling(device) || device.offered?.certificateId !== certificateId) return false;
  return Date.parse(device.offered.issuedAt) + OFFER_HOURS * 3_600_000 <= Date.parse(now);
}

function withdrawalEntry({ id, owner, version: seq }: Enrolling, certificateId: string, world: PushRenewalsWorld) {
  const actor = { kind: 'step', step: 'push-renewals' } as const;
  const inputs = { certificateId, because: 'never-used', hours: OFFER_HOURS };
  const detail = { actor, decision: 'done', owner, device: id, inputs, requestId: world.requestId } as const;
  const stream = STREAMS.device(id);
  return recordEntry({ stream, seq, kind: 'offer-withdrawn', time: world.clock.now(), detail }, world.random);
}
