// Does an owner's wish hold as it was said, and does nobody else's, and nothing unsaid, change it?
import { describe, expect, test } from 'vitest';

import { changeTrust } from '../../../../functions/governance/change-trust/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { ownerKey } from '../../../../shared/identity/owner.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { MemoryRegistry } from '../../../fakes/memory-registry.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { APPROVER, AUDIENCE, entriesOf, gapsIn, makeScene, NOW, OWNER, PRINCIPAL, type Scene } from '../../scene.ts';

const KIND = 'set-owner-wishes';

describe('the wishes of an owner', () => {
  test('are kept with their entry, in the name of who said them', async () => {
    const scene = await knownScene();
    const act = { kind: KIND, owner: OWNER, onClone: 'restrict', onExpiry: 'reset' };
    expect(await change(scene, act)).toEqual({ outcome: 'done', value: { result: 'changed' } });
    expect(await ownerIn(scene)).toEqual({ version: 2, owner: OWNER, onClone: 'restrict', onExpiry: 'reset' });
    expect(newest(scene)).toMatchObject({
      seq: 2,
      leaf: { kind: 'trust-changed' },
      detail: {
        actor: { kind: 'iam', principal: PRINCIPAL },
        decision: 'done',
        inputs: { owner: OWNER, onClone: 'restrict', onExpiry: 'reset' },
      },
    });
    expect(gapsIn(scene)).toEqual([]);
  });

  test.each([
    ['onClone', 'cut'],
    ['onExpiry', 'reset'],
  ] as const)('that are not said stay as they were: only %s', async (member, word) => {
    const scene = await knownScene();
    await change(scene, { kind: KIND, owner: OWNER, onClone: 'restrict', onExpiry: 'refuse' });
    expect(await change(scene, { kind: KIND, owner: OWNER, [member]: word })).toMatchObject({
      value: { result: 'changed' },
    });
    const before = { onClone: 'restrict', onExpiry: 'refuse' };
    expect(await ownerIn(scene)).toEqual({ version: 3, owner: OWNER, ...before, [member]: word });
    // The entry says what was wished now, and no more.
    expect(newest(scene)?.detail.inputs).toEqual({ owner: OWNER, [member]: word });
    expect(gapsIn(scene)).toEqual([]);
  });

  test.each([{}, { onClone: 'alarm' }, { onClone: 'alarm', onExpiry: 'refuse' }])(
    'that are as they were change nothing, without an entry: %j',
    async (wishes) => {
      const scene = await knownScene();
      await change(scene, { kind: KIND, owner: OWNER, onClone: 'alarm', onExpiry: 'refuse' });
      const before = scene.registry.committed.length;
      expect(await change(scene, { kind: KIND, owner: OWNER, ...wishes })).toEqual({
        outcome: 'done',
        value: { result: 'unchanged' },
      });
      expect(scene.registry.committed).toHaveLength(before);
    },
  );

  test('of an owner that is not known are refused: no act makes one by the way', async () => {
    const scene = await knownScene();
    const act = { kind: KIND, owner: 'st-nobody', onClone: 'cut' };
    expect(await change(scene, act)).toMatchObject({ refusal: { reason: 'owner-unknown', owner: 'st-nobody' } });
    expect(await scene.registry.read([ownerKey('st-nobody')])).toEqual([undefined]);
    const refused = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'act-refused');
    expect(refused).toMatchObject([{ detail: { reason: 'owner-unknown' } }]);
  });

  test.each<object>([
    { onClone: 'deny' },
    { onClone: '' },
    { onClone: null },
    { onExpiry: 'open' },
    { onExpiry: true },
    { onTheft: 'cut' },
    { version: 7 },
    { owner: '' },
    { owner: 'x'.repeat(33) },
  ])('T144 with %j are refused as malformed', async (wrong) => {
    const scene = await knownScene();
    const before = await ownerIn(scene);
    const answer = await change(scene, { kind: KIND, owner: OWNER, onClone: 'cut', ...wrong });
    expect(answer).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(await ownerIn(scene)).toEqual(before);
  });

  test('T022 are not an approver’s to say', async () => {
    const scene = await knownScene();
    const act = { kind: KIND, owner: OWNER, onExpiry: 'reset' };
    const event = requestAct(APPROVER, act, { audience: AUDIENCE, now: NOW });
    expect(await changeTrust(event, scene)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    expect(await ownerIn(scene)).not.toHaveProperty('onExpiry');
  });

  test('over a row that cannot be read are a fault, never a new row', async () => {
    const scene = await knownScene();
    scene.registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER, onClone: 'forgive' });
    await expect(change(scene, { kind: KIND, owner: OWNER, onExpiry: 'reset' })).rejects.toMatchObject({
      code: 'row-malformed',
    });
  });
});

describe('when something fails', () => {
  test('T049 the wishes end as if nothing had, whichever call failed', async () => {
    const act = { kind: KIND, owner: OWNER, onClone: 'cut' };
    const model = await knownScene();
    const points = await faultPoints({ registry: model.registry }, () => change(model, act));
    expect(points.filter(({ on }) => on === 'commit')).toHaveLength(2);
    for (const point of points) {
      const scene = await knownScene();
      plan({ registry: scene.registry }, point);
      await expect(change(scene, act), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      const kept = point.on === 'commit' && point.kept;
      expect(await change(scene, act)).toMatchObject({ value: { result: kept ? 'unchanged' : 'changed' } });
      expect(await ownerIn(scene)).toEqual(await ownerIn(model));
      expect(gapsIn(scene)).toEqual([]);
    }
  });

  test('a wish that was said at the same time is not lost: the slower one is a fault, and its rerun joins them', async () => {
    const scene = await knownScene();
    scene.registry.beforeCommit(async () => {
      await change(scene, { kind: KIND, owner: OWNER, onExpiry: 'reset' });
    });
    const act = { kind: KIND, owner: OWNER, onClone: 'cut' };
    await expect(change(scene, act)).rejects.toMatchObject({ code: 'comparison-lost' });
    await change(scene, act);
    expect(await ownerIn(scene)).toEqual({ version: 3, owner: OWNER, onClone: 'cut', onExpiry: 'reset' });
  });
});

/** As `add-owner` leaves it, with its entry. */
async function knownScene(): Promise<Scene> {
  const scene = await makeScene();
  const fresh = { ...scene, registry: new MemoryRegistry() };
  await change(fresh, { kind: 'add-owner', owner: OWNER });
  return fresh;
}

async function ownerIn({ registry }: Scene) {
  return (await registry.read([ownerKey(OWNER)]))[0];
}

function newest(scene: Scene) {
  const entries = entriesOf(scene).filter(({ stream }) => stream === `owner/${OWNER}`);
  return entries.sort((a, b) => a.seq - b.seq).at(-1);
}

function change(scene: Scene, act: Json) {
  const requestId = scene.random.newId();
  return changeTrust(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), { ...scene, requestId });
}
