// How does a device come into quarantine in these tests? By an operator's act.
import { changeStanding as perform } from '../../../../functions/governance/change-standing/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { AUDIENCE, PRINCIPAL, type Scene } from '../../scene.ts';

/** When these tests impose it. */
export const QUARANTINED = '2026-11-24T13:30:00.000Z';

export async function changeStanding(scene: Scene, act: Json): Promise<void> {
  const event = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() });
  const outcome = await perform(event, { ...scene, requestId: scene.random.newId() });
  if (outcome.outcome === 'refused') throw new Error(`scene: ${outcome.refusal.reason}`);
}
