// How is a device taken out of use, where is it said to be, and when may its factory certificate begin anew?
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { presenceOf } from '../../onboarding/register-device/notices.ts';
import {
  APPROVER,
  AUDIENCE,
  entriesOf,
  gapsIn,
  kindsOf,
  listChip,
  makeScene,
  NOW,
  own,
  OWNER,
  PRINCIPAL,
  readDevice,
  stateOf,
  type Scene,
} from '../../scene.ts';
import { issued, pumpAt, takeUp, type Stage } from '../at-work.ts';

const TODAY = '2026-11-24T14:00:00.000Z';
const STAGES = ['owned', 'registered', 'operational', 'renewing'] as const;

describe('a retirement', () => {
  test.each(STAGES)('of a device that is %s is final, with its entry, and asks for alignment', async (stage) => {
    const { scene, id } = await standingScene(stage);
    const asked = scene.alignments.requested.length;
    const from = (await readDevice(scene, id))?.state;
    expect(await change(scene, retire(id))).toMatchObject({ value: { result: 'changed', state: 'retired' } });
    expect(await readDevice(scene, id)).toMatchObject({
      state: 'retired',
      owner: OWNER,
      epoch: 1,
      cause: 'end-of-life',
      retiredAt: TODAY,
      brokerPending: TODAY,
    });
    expect(newest(scene, id)).toMatchObject({
      leaf: { kind: 'retired' },
      detail: { actor: { principal: PRINCIPAL }, owner: OWNER, inputs: { cause: 'end-of-life', from, epoch: 1 } },
    });
    expect(scene.alignments.requested.slice(asked)).toEqual([id]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('of a device in quarantine remembers from where it came', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, { kind: 'quarantine', device: id, level: 'cut', cause: 'lost' });
    expect(await change(scene, retire(id))).toMatchObject({ value: { state: 'retired' } });
    expect(newest(scene, id)).toMatchObject({ detail: { inputs: { from: 'quarantined' } } });
  });

  test('of a retired device changes nothing, whatever the cause', async () => {
    const { scene, id } = await standingScene('owned');
    await change(scene, retire(id));
    const before = stateOf(scene);
    expect(await change(scene, { ...retire(id), cause: 'lost' })).toEqual({
      outcome: 'done',
      value: { device: id, result: 'unchanged', state: 'retired' },
    });
    expect(stateOf(scene)).toEqual(before);
  });

  test('of a denied device is refused: denial is more', async () => {
    const { scene, id } = await standingScene('owned');
    await change(scene, { kind: 'deny', device: id, cause: 'stolen' });
    expect(await change(scene, retire(id))).toMatchObject({
      refusal: { reason: 'denied', device: id, deniedAt: TODAY },
    });
  });

  test('of a device that nobody owns is refused', async () => {
    const { scene, id } = await standingScene('listed');
    expect(await change(scene, retire(id))).toMatchObject({ refusal: { reason: 'not-owned', device: id } });
    expect(await readDevice(scene, id)).toBeUndefined();
  });

  test.each<object>([
    { kind: 'quarantine', level: 'cut', cause: 'lost' },
    { kind: 'open-window', hours: 1 },
    { kind: 'place', ward: 'ward-7' },
  ])('leaves nothing to be done but denial: %j is refused', async (act) => {
    const { scene, id } = await standingScene('operational');
    await change(scene, retire(id));
    const before = await readDevice(scene, id);
    expect(await change(scene, { ...act, device: id })).toMatchObject({
      refusal: { reason: 'retired', device: id, retiredAt: TODAY },
    });
    expect(await readDevice(scene, id)).toEqual(before);
    const denied = await change(scene, { kind: 'deny', device: id, cause: 'stolen' });
    expect(denied).toMatchObject({ value: { result: 'changed', state: 'denied' } });
  });
});

describe('a reset window', () => {
  test.each([
    [1, '2026-11-24T15:00:00.000Z'],
    [72, '2026-11-27T14:00:00.000Z'],
  ])('of %d hours is open until then; nothing else changes, and it has its entry', async (hours, closes) => {
    const { scene, id } = await standingScene('operational');
    const before = await readDevice(scene, id);
    const asked = scene.alignments.calls.length;
    expect(await change(scene, open(id, hours))).toEqual({
      outcome: 'done',
      value: { device: id, result: 'changed', state: 'operational' },
    });
    const window = { opens: TODAY, closes };
    expect(await readDevice(scene, id)).toEqual({ ...before, version: (before?.version ?? 0) + 1, window });
    expect(newest(scene, id)).toMatchObject({
      leaf: { kind: 'window-opened' },
      detail: { owner: OWNER, inputs: { hours, window, from: 'operational', epoch: 1 } },
    });
    // The broker shows what it showed before: only the next connect is decided otherwise.
    expect(scene.alignments.calls).toHaveLength(asked);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('that is opened again counts from now on', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, open(id, 72));
    scene.clock.set('2026-11-24T15:00:00.000Z');
    await change(scene, open(id, 1));
    expect(await readDevice(scene, id)).toMatchObject({
      window: { opens: '2026-11-24T15:00:00.000Z', closes: '2026-11-24T16:00:00.000Z' },
    });
  });

  test.each(['owned', 'registered'] as const)(
    'of a device that is %s is refused: it has begun already',
    async (stage) => {
      const { scene, id } = await standingScene(stage);
      const before = await readDevice(scene, id);
      expect(await change(scene, open(id, 1))).toMatchObject({
        refusal: { reason: 'window-unusable', device: id, state: stage },
      });
      expect(await readDevice(scene, id)).toEqual(before);
    },
  );

  test.each(['restricted', 'cut'] as const)(
    'of a device in quarantine (%s) is refused: one person lifts nothing',
    async (level) => {
      const { scene, id } = await standingScene('operational');
      await change(scene, { kind: 'quarantine', device: id, level, cause: 'lost' });
      expect(await change(scene, open(id, 1))).toMatchObject({ refusal: { reason: 'quarantined', device: id, level } });
      expect(await readDevice(scene, id)).not.toHaveProperty('window');
    },
  );

  test('of a device that was registered beforehand is refused: no connect of it could be heard', async () => {
    const scene = await makeScene();
    const chip = await own(scene, await listChip(scene));
    await registerDevice(presenceOf(chip), scene);
    await takeUp(scene, chip.id, issued('b'));
    expect(await change(scene, open(chip.id, 1))).toMatchObject({
      refusal: { reason: 'window-unusable', state: 'registered beforehand' },
    });
  });

  test('of a denied device, or of one that nobody owns, is refused', async () => {
    const { scene, id } = await standingScene('listed');
    expect(await change(scene, open(id, 1))).toMatchObject({ refusal: { reason: 'not-owned' } });
    await change(scene, { kind: 'deny', device: id, cause: 'stolen' });
    expect(await change(scene, open(id, 1))).toMatchObject({ refusal: { reason: 'denied' } });
  });

  test.each([0, -1, 73, '24', null, 1e6])('of %j hours is refused as malformed', async (hours) => {
    const { scene, id } = await standingScene('operational');
    const answer = await change(scene, { kind: 'open-window', device: id, hours });
    expect(answer).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(await readDevice(scene, id)).not.toHaveProperty('window');
  });
});

describe('a place', () => {
  test.each(STAGES)(
    'of a device that is %s is kept with its entry, and nothing is asked of the broker',
    async (stage) => {
      const { scene, id } = await standingScene(stage);
      await alignDevice(id, scene);
      const before = await readDevice(scene, id);
      const asked = scene.alignments.calls.length;
      expect(await change(scene, place(id, 'ward-7'))).toEqual({
        outcome: 'done',
        value: { device: id, result: 'changed', state: before?.state },
      });
      expect(await readDevice(scene, id)).toEqual({
        ...before,
        version: (before?.version ?? 0) + 1,
        placement: 'ward-7',
      });
      expect(newest(scene, id)).toMatchObject({ leaf: { kind: 'placed' }, detail: { inputs: { ward: 'ward-7' } } });
      expect(scene.alignments.calls).toHaveLength(asked);
      expect(gapsIn(scene)).toEqual([]);
    },
  );

  test('that it has already changes nothing', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, place(id, 'ward-7'));
    const before = stateOf(scene);
    expect(await change(scene, place(id, 'ward-7'))).toMatchObject({ value: { result: 'unchanged' } });
    expect(stateOf(scene)).toEqual(before);
    expect(await change(scene, place(id, 'ward-8'))).toMatchObject({ value: { result: 'changed' } });
    expect(kindsOf(scene, `device/${id}`).filter((kind) => kind === 'placed')).toHaveLength(2);
  });

  test('is known of a device in quarantine, and stays with it', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, { kind: 'quarantine', device: id, level: 'restricted', cause: 'faulty' });
    expect(await change(scene, place(id, 'workshop'))).toMatchObject({ value: { result: 'changed' } });
    await change(scene, { kind: 'quarantine', device: id, level: 'cut', cause: 'faulty' });
    expect(await readDevice(scene, id)).toMatchObject({ level: 'cut', placement: 'workshop' });
  });

  test('of a device that is pending at the broker leaves it pending', async () => {
    const { scene, id } = await standingScene('registered');
    expect(await readDevice(scene, id)).toHaveProperty('brokerPending');
    await change(scene, place(id, 'ward-7'));
    expect(await readDevice(scene, id)).toMatchObject({ brokerPending: NOW, placement: 'ward-7' });
    expect(scene.alignments.requested.at(-1)).toBe(id);
  });

  test('of a denied device, or of one that nobody owns, is refused', async () => {
    const { scene, id } = await standingScene('listed');
    expect(await change(scene, place(id, 'ward-7'))).toMatchObject({ refusal: { reason: 'not-owned' } });
    await change(scene, { kind: 'deny', device: id, cause: 'stolen' });
    expect(await change(scene, place(id, 'ward-7'))).toMatchObject({ refusal: { reason: 'denied' } });
  });

  test.each(['a', 'ward-7', 'A_b-9', 'w'.repeat(32)])('may be "%s"', async (ward) => {
    const { scene, id } = await standingScene('owned');
    expect(await change(scene, place(id, ward))).toMatchObject({ value: { result: 'changed' } });
  });

  test.each(['', 'w'.repeat(33), 'room 7', 'Anna Weiss', 'ward/7', 'ward.7', 'ward\n7', 'ward-7\n', 'wård', null, 7])(
    'is an opaque code: %j is refused as malformed, because a name would sooner or later be a patient’s',
    async (ward) => {
      const { scene, id } = await standingScene('owned');
      const answer = await change(scene, { kind: 'place', device: id, ward });
      expect(answer).toMatchObject({ refusal: { reason: 'request-malformed' } });
      expect(await readDevice(scene, id)).not.toHaveProperty('placement');
      expect(JSON.stringify(entriesOf(scene))).not.toContain('Weiss');
    },
  );
});

test('T022 an approver retires nothing, opens no window and places nothing', async () => {
  const { scene, id } = await standingScene('operational');
  const before = await readDevice(scene, id);
  for (const act of [retire(id), open(id, 1), place(id, 'ward-7')]) {
    const event = requestAct(APPROVER, act, { audience: AUDIENCE, now: TODAY });
    const answer = await changeStanding(event, { ...scene, requestId: act.kind });
    expect(answer).toMatchObject({ refusal: { reason: 'not-permitted' } });
  }
  expect(await readDevice(scene, id)).toEqual(before);
});

const retire = (device: string) => ({ kind: 'retire', device, cause: 'end-of-life' });
const open = (device: string, hours: number) => ({ kind: 'open-window', device, hours });
const place = (device: string, ward: string) => ({ kind: 'place', device, ward });

/** The newest entry of a device. */
function newest(scene: Scene, id: string) {
  const entries = entriesOf(scene).filter(({ stream }) => stream === `device/${id}`);
  return entries.sort((a, b) => a.seq - b.seq).at(-1);
}

async function standingScene(stage: Stage) {
  const scene = await makeScene();
  const { id } = await pumpAt(scene, stage);
  // Whatever the quotas of the broker have cost.
  scene.clock.set(TODAY);
  return { scene, id };
}

function change(scene: Scene, act: Json) {
  return changeStanding(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() }), scene);
}
