// What does an approval leave when a call fails or another person is faster? Everything or nothing, and once.
import { describe, expect, test } from 'vitest';

import { approvalKey } from '../../../../shared/governance/approval.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { entriesOf, gapsIn, kindsOf, stateOf, type Scene } from '../../scene.ts';
import { approve, heldOf, requestedScene, SECOND, storedIn } from './approvals.ts';

describe('when something fails', () => {
  test('T049 an approval is whole or not at all, whichever call failed', async () => {
    const model = await requestedScene();
    const points = await faultPoints(fakesOf(model.scene), () => approve(model.scene, model.shown));
    expect(points.filter(({ on }) => on === 'commit')).toHaveLength(2);
    for (const point of points) {
      const { scene, shown, pumps } = await requestedScene();
      plan(fakesOf(scene), point);
      await expect(approve(scene, shown), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      const kept = point.on === 'commit' && point.kept;
      expect(await heldOf(scene, pumps), JSON.stringify(point)).toEqual(Array<boolean>(3).fill(!kept));
      const again = await approve(scene, shown);
      expect(again.outcome === 'done' ? 'done' : again.refusal.reason).toBe(kept ? 'approval-used' : 'done');
      expect(await heldOf(scene, pumps)).toEqual([false, false, false]);
      expect(kindsOf(scene, `approval/${shown.approval}`)).toEqual(['approval-requested', 'approved']);
      expect(gapsOfListings(scene)).toEqual([]);
    }
  });

  test('two approvals at once: one releases, the other is a fault that its rerun finds used', async () => {
    const { scene, shown } = await requestedScene();
    scene.registry.beforeCommit(async () => {
      await approve(scene, shown, SECOND);
    });
    await expect(approve(scene, shown)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await storedIn(scene, shown.approval)).toMatchObject({ version: 2, approver: SECOND });
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'released')).toHaveLength(3);
    expect(await approve(scene, shown)).toMatchObject({ refusal: { reason: 'approval-used' } });
  });

  test('a listing that moved between the read and the transaction releases none of them', async () => {
    const { scene, shown, pumps } = await requestedScene();
    const last = pumps.at(-1);
    if (last === undefined) throw new Error('expected a pump');
    scene.registry.beforeCommit(() => {
      scene.registry.seed(listingKey(last.certificateId), { ...last.listing, version: 2 });
    });
    const before = stateOf(scene).owners;
    await expect(approve(scene, shown)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await heldOf(scene, pumps)).toEqual([true, true, true]);
    expect(stateOf(scene).owners).toEqual(before);
  });

  test('an approval row that cannot be read is a fault, never one without an approver', async () => {
    const { scene, shown } = await requestedScene();
    scene.registry.seed(approvalKey(shown.approval), { version: 1 });
    await expect(approve(scene, shown)).rejects.toMatchObject({ code: 'row-malformed' });
  });
});

const fakesOf = ({ registry }: Scene) => ({ registry });

/** The scene lists without entries: their streams begin with the release. */
function gapsOfListings(scene: Scene): readonly string[] {
  return gapsIn(scene).filter((gap) => !/^listing\/[0-9a-f]{64}: 2$/.test(gap));
}
