// Who may take a device's standing away, for which words, and what can nobody give back alone?
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { STANDING_CAUSES } from '../../../../shared/lifecycle.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { noticeOf } from '../../onboarding/register-device/notices.ts';
import {
  APPROVER,
  AUDIENCE,
  awaitPump,
  entriesOf,
  gapsIn,
  kindsOf,
  listPump,
  makeScene,
  NOW,
  own,
  OWNER,
  PRINCIPAL,
  readDevice,
  stateOf,
  type Scene,
} from '../../scene.ts';

describe('a quarantine', () => {
  test.each(['owned', 'registered'] as const)(
    'of an %s device takes effect with its entry, tells its effects, and asks for alignment',
    async (from) => {
      const { scene, id } = await pumpScene(from);
      const asked = scene.alignments.requested.length;
      expect(await change(scene, cut(id))).toEqual({
        outcome: 'done',
        value: { device: id, result: 'changed', state: 'quarantined', effects: EFFECTS[from] },
      });
      expect(await readDevice(scene, id)).toMatchObject({
        state: 'quarantined',
        level: 'cut',
        from,
        cause: 'compromised',
        owner: OWNER,
        epoch: 1,
        quarantinedAt: NOW,
        brokerPending: NOW,
      });
      expect(scene.registry.committed.at(-1)).toHaveLength(2);
      expect(entriesOf(scene).find(({ leaf }) => leaf.kind === 'quarantined')?.detail).toMatchObject({
        actor: { kind: 'iam', principal: PRINCIPAL },
        owner: OWNER,
        device: id,
        inputs: { cause: 'compromised', level: 'cut', from, epoch: 1 },
      });
      expect(scene.alignments.requested.slice(asked)).toEqual([id]);
      expect(gapsIn(scene)).toEqual([]);
    },
  );

  test('goes from restricted to cut, and never back: one person lifts nothing, not even a part', async () => {
    const { scene, id } = await pumpScene('registered');
    expect(await change(scene, restrict(id))).toMatchObject({ value: { result: 'changed' } });
    expect(await change(scene, cut(id))).toMatchObject({ value: { result: 'changed' } });
    const before = await readDevice(scene, id);
    expect(await change(scene, restrict(id))).toMatchObject({
      refusal: { reason: 'quarantined', device: id, level: 'cut' },
    });
    expect(await readDevice(scene, id)).toEqual(before);
    expect(before).toMatchObject({ level: 'cut', from: 'registered', version: 4 });
  });

  test('that is there already is left unchanged, without an entry, whatever the cause', async () => {
    const { scene, id } = await pumpScene('owned');
    await change(scene, cut(id));
    const before = { state: stateOf(scene), asked: scene.alignments.requested.length };
    expect(await change(scene, { ...cut(id), cause: 'lost' })).toEqual({
      outcome: 'done',
      value: { device: id, result: 'unchanged', state: 'quarantined' },
    });
    expect({ state: stateOf(scene), asked: scene.alignments.requested.length }).toEqual(before);
  });

  test('of a device that nobody owns is refused: there is nothing to take back from it', async () => {
    const { scene, id } = await pumpScene('listed');
    expect(await change(scene, cut(id))).toMatchObject({ refusal: { reason: 'not-owned', device: id } });
    expect(await readDevice(scene, id)).toBeUndefined();
  });

  test('T050 of a denied device is refused: denial is final', async () => {
    const { scene, id } = await pumpScene('owned');
    await change(scene, deny(id));
    const before = await readDevice(scene, id);
    expect(await change(scene, cut(id))).toMatchObject({ refusal: { reason: 'denied', device: id, deniedAt: NOW } });
    expect(await readDevice(scene, id)).toEqual(before);
  });
});

describe('T050 a denial', () => {
  test.each(['owned', 'registered'] as const)('of an %s device is final, with its entry', async (from) => {
    const { scene, id } = await pumpScene(from);
    expect(await change(scene, deny(id))).toMatchObject({ value: { result: 'changed', state: 'denied' } });
    expect(await readDevice(scene, id)).toMatchObject({
      state: 'denied',
      owner: OWNER,
      cause: 'stolen',
      deniedAt: NOW,
    });
    expect(kindsOf(scene, `device/${id}`).at(-1)).toBe('denied');
    expect(entriesOf(scene).at(-1)?.detail.inputs ?? {}).not.toHaveProperty('level');
    expect(scene.alignments.requested.at(-1)).toBe(id);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('of a device in quarantine remembers from where it came', async () => {
    const { scene, id } = await pumpScene('owned');
    await change(scene, cut(id));
    await change(scene, deny(id));
    const denied = entriesOf(scene).find(({ leaf }) => leaf.kind === 'denied');
    expect(denied?.detail.inputs).toMatchObject({ from: 'quarantined', cause: 'stolen' });
  });

  test('of a device that is only listed makes its row, without owner and epoch, and its first entry', async () => {
    const { scene, id } = await pumpScene('listed');
    expect(await change(scene, deny(id))).toMatchObject({ value: { result: 'changed', state: 'denied' } });
    const device = await readDevice(scene, id);
    expect(device).toMatchObject({ state: 'denied', version: 1, epoch: 0, brokerPending: NOW });
    expect(device).not.toHaveProperty('owner');
    const [entry] = entriesOf(scene).filter(({ stream }) => stream === `device/${id}`);
    expect(entry).toMatchObject({ seq: 1, detail: { inputs: { from: 'listed', epoch: 0 } } });
    expect(entry?.detail).not.toHaveProperty('owner');
  });

  test('of a denied device changes nothing', async () => {
    const { scene, id } = await pumpScene('listed');
    await change(scene, deny(id));
    const before = stateOf(scene);
    expect(await change(scene, { ...deny(id), cause: 'lost' })).toMatchObject({ value: { result: 'unchanged' } });
    expect(stateOf(scene)).toEqual(before);
  });
});

describe('a device that is not known', () => {
  test.each([
    ['by no listing', () => 'acme-P9999'],
    ['T020 by its id in another case', (id: string) => id.toLowerCase()],
  ])('%s is refused', async (_title, wrong) => {
    const { scene, id } = await pumpScene('listed');
    for (const act of [deny(wrong(id)), cut(wrong(id))])
      expect(await change(scene, act)).toMatchObject({ refusal: { reason: 'device-unknown', device: wrong(id) } });
    expect(scene.registry.rows('devices')).toEqual([]);
  });

  test('but waits for its certificate is refused by that reason: nothing of it can connect yet', async () => {
    const scene = await makeScene();
    const id = await awaitPump(scene);
    expect(await change(scene, deny(id))).toMatchObject({ refusal: { reason: 'certificate-absent' } });
  });

  test.each(['acme-+', 'acme/P1001', '${iot:ClientId}'])('T035 by the id "%s" is refused', async (device) => {
    const { scene } = await pumpScene('owned');
    expect(await change(scene, deny(device))).toMatchObject({ refusal: { reason: 'id-malformed' } });
  });
});

describe('an act', () => {
  test.each(STANDING_CAUSES)('may name the cause %s', async (cause) => {
    const { scene, id } = await pumpScene('owned');
    expect(await change(scene, { ...cut(id), cause })).toMatchObject({ value: { result: 'changed' } });
  });

  test.each<object>([
    { cause: 'pump of the patient in room 7' },
    { cause: '' },
    { cause: undefined },
    { level: 'open' },
    { level: undefined },
    { kind: 'lift' },
    { kind: 'retire', level: 'cut' },
    { note: 'room 7' },
    { owner: 'st-bert' },
    { device: 7 },
    { device: '' },
  ])('with %j is refused as malformed: free text would sooner or later name a patient', async (wrong) => {
    const { scene, id } = await pumpScene('owned');
    const before = await readDevice(scene, id);
    const act = JSON.parse(JSON.stringify({ ...cut(id), ...wrong })) as Json;
    expect(await change(scene, act)).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(await readDevice(scene, id)).toEqual(before);
    expect(JSON.stringify(entriesOf(scene))).not.toContain('room 7');
  });

  test.each<object>([{ level: 'cut' }, { note: 'room 7' }, { cause: 'room 7' }, { cause: undefined }])(
    'that denies, with %j, is refused as malformed',
    async (wrong) => {
      const { scene, id } = await pumpScene('owned');
      const act = JSON.parse(JSON.stringify({ ...deny(id), ...wrong })) as Json;
      expect(await change(scene, act)).toMatchObject({ refusal: { reason: 'request-malformed' } });
      expect(await readDevice(scene, id)).toMatchObject({ state: 'owned' });
      expect(JSON.stringify(entriesOf(scene))).not.toContain('room 7');
    },
  );

  test('T022 of an approver, or of nobody in particular, is refused and entered', async () => {
    const { scene, id } = await pumpScene('owned');
    const before = await readDevice(scene, id);
    for (const principal of [APPROVER, 'arn:aws:iam::123456789012:user/eve']) {
      for (const act of [cut(id), deny(id)]) {
        const event = requestAct(principal, act, { audience: AUDIENCE, now: NOW });
        const world = { ...scene, requestId: `${principal} ${act.kind}` };
        expect(await changeStanding(event, world)).toMatchObject({ refusal: { reason: 'not-permitted', principal } });
      }
    }
    expect(await readDevice(scene, id)).toEqual(before);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'act-refused')).toHaveLength(4);
    expect(scene.alignments.calls).toEqual([]);
  });
});

/** Who was never let in has no connection to lose. */
const EFFECTS = {
  owned: { atOnce: ['new certificates'], later: [] },
  registered: {
    atOnce: ['new certificates', 'admission'],
    later: [
      { what: 'new connections', within: expect.stringContaining('seconds') as string },
      { what: 'the open session', within: expect.stringContaining('minutes') as string },
    ],
  },
} as const;

const cut = (device: string) => ({ kind: 'quarantine', device, level: 'cut', cause: 'compromised' });
const restrict = (device: string) => ({ kind: 'quarantine', device, level: 'restricted', cause: 'investigation' });
const deny = (device: string) => ({ kind: 'deny', device, cause: 'stolen' });

async function pumpScene(state: 'listed' | 'owned' | 'registered') {
  const scene = await makeScene();
  const pump = await listPump(scene);
  if (state !== 'listed') await own(scene, pump);
  if (state === 'registered') await registerDevice(noticeOf(scene, pump), scene);
  return { scene, id: pump.id };
}

function change(scene: Scene, act: Json) {
  return changeStanding(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() }), scene);
}
