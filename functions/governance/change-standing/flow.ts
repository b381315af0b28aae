// Step `change-standing`: may this device still be trusted, and where is it? Quarantine is reversible by two people, denial and
// retirement by nobody; all take effect in the transaction, and the broker follows (blueprint step 3).
import { parseDevice } from '../../../shared/device-row.ts';
import type { StandingChange } from '../../../shared/governance/changes.ts';
import { effectsOf } from '../../../shared/governance/effects.ts';
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { endedCertificates, type RevocationReason } from '../../../shared/issuance/ending.ts';
import { deviceKey, type Device } from '../../../shared/lifecycle.ts';
import { done, Fault, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, Change } from '../../../shared/ports.ts';
import { endingChanges } from '../../end-certificates.ts';
import { performAct, type ActWorld } from '../../perform-act.ts';
import { STANDING_ACT, type StandingAct } from './act.ts';
import { decideKnown } from './decide.ts';
import { decideListed } from './listed.ts';
import { standingEntry } from './record.ts';

export interface ChangeStandingWorld extends ActWorld {
  readonly alignments: Pick<AlignmentQueue, 'request' | 'requestRevocation'>;
}

export function changeStanding(event: unknown, world: ChangeStandingWorld): Promise<Outcome<StandingChange>> {
  return performAct(STANDING_ACT, event, world, ({ act, principal }) => change(act, principal, world));
}

async function change(
  act: StandingAct,
  principal: string,
  world: ChangeStandingWorld,
): Promise<Outcome<StandingChange>> {
  // 1 Read the device; one that nobody owns is known by its listing only.
  const id = parseDeviceId(act.device);
  if (id.outcome === 'refused') return id;
  const [row] = await world.registry.read([deviceKey(id.value)]);
  const present = row === undefined ? undefined : parseDevice(row);
  // 2 Decide by the table of moves.
  const now = world.clock.now();
  const decided = present === undefined ? await decideListed(act, id.value, world) : decideKnown(act, present, now);
  if (decided.outcome === 'refused') return decided;
  const next = decided.value;
  if (next === present) return done({ device: next.id, result: 'unchanged', state: next.state });
  // 3 Act and record in one transaction: from here on nothing new is given to the device.
  const entry = standingEntry({ act, previous: present, next, principal }, world);
  if (
    (await world.registry.commit([...standingChanges({ act, previous: present, next, now }, world), entry])) === 'lost'
  )
    throw new Fault('comparison-lost', `device "${next.id}": changed by another request meanwhile`);
  // A crash here leaves the rows pending: the sweep of align-broker finds them.
  if (next.brokerPending !== undefined) await world.alignments.request(next.id);
  for (const ended of endedCertificates(present, next)) await world.alignments.requestRevocation(ended);
  return done({ device: next.id, result: 'changed', state: next.state, ...effectsIn(act, present, next) });
}

interface Standing {
  readonly act: StandingAct;
  readonly previous: Device | undefined;
  readonly next: Device;
  readonly now: string;
}

function standingChanges({ act, previous, next, now }: Standing, world: ChangeStandingWorld): Change[] {
  const key = deviceKey(next.id);
  const replaced = previous === undefined ? { create: key, row: next } : { replace: key, previous, next };
  return [
    replaced,
    ...endingChanges(previous, next, { step: 'change-standing', reason: revocationReasonOf(act), now, world }),
  ];
}

/** What the issuer's revocation list says of the certificates that end with it. */
function revocationReasonOf(act: StandingAct): RevocationReason {
  return 'cause' in act && (act.cause === 'clone' || act.cause === 'compromised' || act.cause === 'stolen')
    ? 'keyCompromise'
    : 'cessationOfOperation';
}

/** A place and a window end nothing. */
function effectsIn({ kind }: StandingAct, previous: Device | undefined, next: Device) {
  return kind === 'place' || kind === 'open-window' ? {} : { effects: effectsOf(previous, next) };
}
