// How does an owner come to an authority in these tests? One person asks for it, another approves, and it is created.
import { approveAct } from '../../../../functions/governance/approve-act/flow.ts';
import { createAuthority } from '../../../../functions/issuance/create-authority/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import type { ApprovalShown } from '../../../../shared/governance/approval-shown.ts';
import type { AuthorityTerms } from '../../../../shared/issuance/authority.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import {
  holdCeremony,
  makeKeyScene,
  seedKeys,
  valueOf,
  type CeremonyWishes,
  type KeyScene,
} from '../../issuance-scene.ts';
import { APPROVER, AUDIENCE, PRINCIPAL } from '../../scene.ts';

/** A ceremony was held, and its keys are in KMS; nobody has asked for anything. */
export async function ceremonyScene(wishes: CeremonyWishes = {}) {
  const scene = await makeKeyScene();
  const ceremony = await holdCeremony(wishes);
  await seedKeys(scene, ceremony);
  return { scene, ceremony };
}

export function requestAuthority(scene: KeyScene, terms: AuthorityTerms, principal = PRINCIPAL) {
  return ask(scene, principal, { kind: 'request-authority', terms });
}

export function create(scene: KeyScene, approval: string, principal = PRINCIPAL) {
  return ask(scene, principal, { kind: 'create-authority', approval });
}

export function approve(scene: KeyScene, { approval, digest }: ApprovalShown, principal = APPROVER) {
  const act = { kind: 'approve', approval, digest };
  return approveAct(signed(scene, principal, act), { ...scene, requestId: scene.random.newId() });
}

/** Asked for, and not approved. */
export async function requestedIn(
  scene: KeyScene,
  terms: AuthorityTerms,
  principal = PRINCIPAL,
): Promise<ApprovalShown> {
  const answer = valueOf(await requestAuthority(scene, terms, principal));
  if (answer.result === 'requested') return answer.approval;
  throw new Error('expected a request');
}

/** Asked for and approved; answers the approval's id. */
export async function approvedIn(scene: KeyScene, terms: AuthorityTerms): Promise<string> {
  const shown = await requestedIn(scene, terms);
  valueOf(await approve(scene, shown));
  return shown.approval;
}

function ask(scene: KeyScene, principal: string, act: object) {
  // Every call is a request of its own.
  return createAuthority(signed(scene, principal, act), { ...scene, requestId: scene.random.newId() });
}

function signed({ clock }: KeyScene, principal: string, act: object) {
  return requestAct(principal, act as Json, { audience: AUDIENCE, now: clock.now() });
}
