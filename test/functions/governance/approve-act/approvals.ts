// How do two people come to an approval in these tests? Three held pumps, a request, and who answers it.
import { approveAct } from '../../../../functions/governance/approve-act/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { approvalKey, parseApproval } from '../../../../shared/governance/approval.ts';
import { isHeld, listingKey, parseListing } from '../../../../shared/whitelist/listing.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { APPROVER, AUDIENCE, holdPump, makeScene, PRINCIPAL, type Pump, type Scene } from '../../scene.ts';

export const SECOND = APPROVER.replace('bob', 'eve');

export type Answer = Awaited<ReturnType<typeof approveAct>>;
export type Shown = ReturnType<typeof shownIn>;
export type Requested = Awaited<ReturnType<typeof requestedScene>>;

export async function heldScene() {
  const made = await makeScene();
  const scene = { ...made, roles: { operator: [PRINCIPAL], approver: [APPROVER, SECOND] } };
  const pumps = [await holdPump(scene, 'P1001'), await holdPump(scene, 'P1002'), await holdPump(scene, 'P1003')];
  return { scene, pumps };
}

export async function requestedScene() {
  const { scene, pumps } = await heldScene();
  return { scene, pumps, shown: shownIn(await request(scene, idsOf(pumps))) };
}

export function ask(scene: Scene, principal: string, act: object): Promise<Answer> {
  return approveAct(requestAct(principal, act as Json, { audience: AUDIENCE, now: scene.clock.now() }), scene);
}

export function request(scene: Scene, devices: readonly string[], requester = PRINCIPAL): Promise<Answer> {
  return ask(scene, requester, { kind: 'request-release', devices });
}

export function approve(scene: Scene, { approval, digest }: Pick<Shown, 'approval' | 'digest'>, approver = APPROVER) {
  // Every call is a request of its own.
  const requestId = scene.random.newId();
  return ask({ ...scene, requestId }, approver, { kind: 'approve', approval, digest });
}

export function shownIn(answer: Answer) {
  if (answer.outcome === 'done') return answer.value;
  throw new Error(JSON.stringify(answer.refusal));
}

export function idsOf(pumps: readonly Pump[]): readonly string[] {
  return pumps.map(({ id }) => id);
}

export async function heldOf({ registry }: Scene, pumps: readonly Pump[]): Promise<readonly boolean[]> {
  const rows = await registry.read(pumps.map(({ certificateId }) => listingKey(certificateId)));
  return rows.map((row) => isHeld(parseListing(row)));
}

export async function storedIn({ registry }: Scene, id: string) {
  return parseApproval((await registry.read([approvalKey(id)]))[0]);
}
