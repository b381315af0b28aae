// A device that has a certificate of its owner's comes with its factory certificate again: may it begin anew? Outside of a
// reset window that is a sign of a clone (T075).
import { ownerKey, parseOwner } from '../../../shared/identity/owner.ts';
import { endedCertificates } from '../../../shared/issuance/ending.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { deviceKey, type OperationalDevice, type OwnedDevice } from '../../../shared/lifecycle.ts';
import { isLive, parseSessions, sessionKey } from '../../../shared/governance/session.ts';
import { done } from '../../../shared/outcome.ts';
import { decideReturn, type Return } from '../../../shared/whitelist/admit.ts';
import { endingChanges } from '../../end-certificates.ts';
import { suspectClone } from '../../suspect-clone.ts';
import type { Attempt, Known, RegisterDeviceWorld } from './flow.ts';
import { noticeInputs } from './inputs.ts';
import { refuse } from './refuse.ts';

export async function comeBack(device: OperationalDevice, known: Known, world: RegisterDeviceWorld): Promise<Attempt> {
  const next = decideReturn(device, { now: world.clock.now(), ...(await readReturn(device, world)) });
  if (next.outcome === 'done') return beginAnew(device, next.value, known, world);
  const refusal = await refuse(next.refusal, known, world);
  if (refusal === 'lost') return 'lost';
  const { certificateId } = known.notice;
  const suspicion = { step: 'register-device', sign: 'consumed-certificate', certificateId } as const;
  // Losing this means that the row moved: the refusal stands, and the certificate will ask again.
  await suspectClone(device, suspicion, world);
  return refusal;
}

async function readReturn(
  { id, owner, current }: OperationalDevice,
  { registry }: RegisterDeviceWorld,
): Promise<Omit<Return, 'now'>> {
  const [wishes, sessions] = await registry.read([ownerKey(owner), sessionKey(id)]);
  return {
    onExpiry: wishes === undefined ? 'refuse' : (parseOwner(wishes).onExpiry ?? 'refuse'),
    live: isLive(sessions === undefined ? undefined : parseSessions(sessions), current.certificateId),
  };
}

/** Same owner, same epoch; what it had before has ended. Its next connect is a first one. */
async function beginAnew(
  previous: OperationalDevice,
  next: OwnedDevice,
  { notice }: Known,
  world: RegisterDeviceWorld,
): Promise<Attempt> {
  const [now, { id, owner, version: seq }] = [world.clock.now(), next];
  const { window, current } = previous;
  const inputs = { ...noticeInputs(notice), ended: current.certificateId, ...(window && { window: { ...window } }) };
  const actor = { kind: 'certificate', certificateId: notice.certificateId } as const;
  const detail = { actor, decision: 'done', owner, device: id, inputs, requestId: world.requestId } as const;
  const result = await world.registry.commit([
    { replace: deviceKey(id), previous, next },
    ...endingChanges(previous, next, { step: 'register-device', reason: 'superseded', now, world }),
    recordEntry({ stream: STREAMS.device(id), seq, kind: 'reset', time: now, detail }, world.random),
  ]);
  if (result === 'lost') return 'lost';
  await world.alignments.request(id);
  for (const ended of endedCertificates(previous, next)) await world.alignments.requestRevocation(ended);
  return done({ device: id, verdict: 'reset' });
}
