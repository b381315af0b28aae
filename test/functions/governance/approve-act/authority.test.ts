// Does the approval of an authority do nothing but say that two people wanted it? create-authority makes it.
import { describe, expect, test } from 'vitest';

import { approvalDigest, approvalKey, requestApproval, showApproval } from '../../../../shared/governance/approval.ts';
import { APPROVER, entriesOf, kindsOf, makeScene, NOW, OWNER, PRINCIPAL, type Scene } from '../../scene.ts';
import { approve, storedIn } from './approvals.ts';

const ACT = {
  kind: 'create-authority' as const,
  owner: OWNER,
  root: 'a'.repeat(64),
  issuing: 'b'.repeat(64),
  terms: 'c'.repeat(64),
};

describe('an approval of an authority', () => {
  test('marks the request as approved with its entry, and changes nothing else', async () => {
    const { scene, shown } = await requestedScene();
    expect(await approve(scene, shown)).toEqual({ outcome: 'done', value: { ...shown, approver: APPROVER } });
    expect(await storedIn(scene, shown.approval)).toMatchObject({ version: 2, act: ACT, approver: APPROVER });
    expect(scene.registry.committed.map(({ length }) => length)).toEqual([2]);
    expect(kindsOf(scene, `approval/${shown.approval}`)).toEqual(['approved']);
    expect(entriesOf(scene)[0]?.detail.inputs).toMatchObject({
      act: 'create-authority',
      ...{ owner: ACT.owner, root: ACT.root, issuing: ACT.issuing, terms: ACT.terms },
      digest: shown.digest,
    });
    expect(scene.alignments.calls).toEqual([]);
    expect(scene.registry.rows('devices')).toEqual([]);
  });

  test('T138 over other terms than were shown is refused (approval-differs)', async () => {
    const { scene, shown } = await requestedScene();
    const row = await storedIn(scene, shown.approval);
    scene.registry.seed(approvalKey(shown.approval), { ...row, act: { ...ACT, terms: 'd'.repeat(64) } });
    expect(await approve(scene, shown)).toMatchObject({ refusal: { reason: 'approval-differs' } });
    expect(await storedIn(scene, shown.approval)).not.toHaveProperty('approver');
  });

  test('T134 by who requested it is refused (approver-is-requester)', async () => {
    const made = await requestedScene();
    const scene = { ...made.scene, roles: { operator: [PRINCIPAL], approver: [PRINCIPAL] } };
    expect(await approve(scene, made.shown, PRINCIPAL)).toMatchObject({ refusal: { reason: 'approver-is-requester' } });
    expect(await storedIn(scene, made.shown.approval)).not.toHaveProperty('approver');
  });
});

/** As create-authority leaves its request. */
async function requestedScene(): Promise<{ scene: Scene; shown: ReturnType<typeof showApproval> }> {
  const scene = await makeScene();
  const approval = requestApproval(ACT, { id: 'authority-1', requester: PRINCIPAL, now: NOW });
  scene.registry.seed(approvalKey(approval.id), approval);
  expect(showApproval(approval).digest).toBe(approvalDigest(approval));
  return { scene, shown: showApproval(approval) };
}
