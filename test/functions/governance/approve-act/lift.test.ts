// Do two people who both looked end a quarantine, that very one, and does nothing given before count afterwards?
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { approvalDigest, approvalKey } from '../../../../shared/governance/approval.ts';
import { deviceKey, isQuarantined } from '../../../../shared/lifecycle.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { arrivalOf, certificateRow } from '../../onboarding/register-device/notices.ts';
import {
  APPROVER,
  entriesOf,
  gapsIn,
  kindsOf,
  makeScene,
  OWNER,
  PRINCIPAL,
  readDevice,
  stateOf,
  type Pump,
  type Scene,
} from '../../scene.ts';
import { issued, pumpAt, revokedIn, type Stage } from '../at-work.ts';
import { approve, ask, SECOND, shownIn, storedIn, type Shown } from './approvals.ts';
import { changeStanding, QUARANTINED } from './quarantines.ts';

const STAGES = ['owned', 'registered', 'operational'] as const;
const CURRENT = issued('b').certificateId;

describe('a request to lift', () => {
  test('names the very quarantine, waits for a second approver, and lifts nothing', async () => {
    const { scene, pump } = await quarantinedScene('operational');
    const before = await readDevice(scene, pump.id);
    const answer = await request(scene, pump.id);
    const approval = await storedIn(scene, shownIn(answer).approval);
    expect(answer).toEqual({
      outcome: 'done',
      value: {
        approval: approval.id,
        digest: approvalDigest(approval),
        act: { kind: 'lift', device: pump.id, quarantinedAt: QUARANTINED },
        requester: APPROVER,
        expiresAt: '2026-11-25T14:00:00.000Z',
      },
    });
    expect(entriesOf(scene).find(({ leaf }) => leaf.kind === 'approval-requested')).toMatchObject({
      stream: `approval/${approval.id}`,
      seq: 1,
      detail: {
        actor: { principal: APPROVER },
        inputs: { act: 'lift', device: pump.id, quarantinedAt: QUARANTINED, requester: APPROVER },
      },
    });
    expect(await readDevice(scene, pump.id)).toEqual(before);
  });

  test.each([
    ['T134 by an operator, who could have imposed it', PRINCIPAL],
    ['T022 by somebody without a role', APPROVER.replace('bob', 'mallory')],
  ])('%s is refused (not-permitted)', async (_title, requester) => {
    const { scene, pump } = await quarantinedScene('operational');
    expect(await request(scene, pump.id, requester)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    expect(approvalsIn(scene)).toEqual([]);
  });

  test.each([...STAGES, 'renewing'] as const)('for a device that is %s is refused (not-quarantined)', async (stage) => {
    const { scene, pump } = await workScene(stage);
    const state = stage === 'renewing' ? 'operational' : stage;
    expect(await request(scene, pump.id)).toMatchObject({
      refusal: { reason: 'not-quarantined', device: pump.id, state },
    });
    expect(approvalsIn(scene)).toEqual([]);
  });

  test.each(['deny', 'retire'] as const)('T050 after %s is refused: final is final (not-quarantined)', async (kind) => {
    const { scene, pump } = await quarantinedScene('operational');
    await changeStanding(scene, { kind, device: pump.id, cause: 'lost' });
    expect(await request(scene, pump.id)).toMatchObject({ refusal: { reason: 'not-quarantined' } });
  });

  test.each([
    ['listed only', 'device-unknown', (id: string) => id, 'listed'],
    ['not listed', 'device-unknown', () => 'acme-P9999', 'owned'],
    ['T020 named in another case', 'device-unknown', (id: string) => id.toLowerCase(), 'owned'],
    ['T035 named by a wildcard', 'id-malformed', () => 'acme-+', 'owned'],
  ] as const)('for a device that is %s is refused (%s)', async (_title, reason, nameOf, stage) => {
    const { scene, pump } = stage === 'listed' ? await workScene(stage) : await quarantinedScene(stage);
    expect(await request(scene, nameOf(pump.id))).toMatchObject({ refusal: { reason } });
    expect(approvalsIn(scene)).toEqual([]);
  });

  test('T053 of a device whose key may be in two places is refused (key-suspect)', async () => {
    const { scene, pump } = await workScene('operational');
    await impose(scene, pump, { level: 'restricted', cause: 'clone' });
    expect(await request(scene, pump.id)).toMatchObject({ refusal: { reason: 'key-suspect', device: pump.id } });
    // Nor does another word over the same suspicion open the way.
    await impose(scene, pump, { level: 'cut', cause: 'other' });
    expect(await request(scene, pump.id)).toMatchObject({ refusal: { reason: 'key-suspect' } });
    expect(approvalsIn(scene)).toEqual([]);
  });

  test.each<[name: string, act: object]>([
    ['that names the time itself', { device: 'acme-P1001', quarantinedAt: QUARANTINED }],
    ['T144 that names its own requester', { device: 'acme-P1001', requester: SECOND }],
    ['of no device', { device: '' }],
    ['of many', { device: ['acme-P1001'] }],
  ])('%s is refused as malformed', async (_name, act) => {
    const { scene } = await quarantinedScene('owned');
    const answer = await ask(scene, APPROVER, { kind: 'request-lift', ...act });
    expect(answer).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });
});

describe('a lift that another approver has approved', () => {
  test.each(STAGES)('of a device that was %s: it is owned, in a new epoch, with its entries', async (from) => {
    const { scene, pump, shown } = await requestedScene(from);
    const [before, previous] = [scene.registry.committed.length, await readDevice(scene, pump.id)];
    expect(await approve(scene, shown, SECOND)).toEqual({ outcome: 'done', value: { ...shown, approver: SECOND } });
    const device = await readDevice(scene, pump.id);
    expect(device).toMatchObject({ state: 'owned', owner: OWNER, epoch: 2, proof: 'claim', brokerPending: TODAY });
    expect(device?.version).toBe((previous?.version ?? 0) + 1);
    for (const member of ['level', 'cause', 'quarantinedAt', 'current', 'registeredAt', 'window'])
      expect(device).not.toHaveProperty(member);
    // One transaction: the approval and its entry, the device and its entry, three for each certificate that ends.
    const ended = from === 'operational' ? 3 : 0;
    expect(scene.registry.committed.slice(before).map(({ length }) => length)).toEqual([4 + ended]);
    expect(kindsOf(scene, `approval/${shown.approval}`)).toEqual(['approval-requested', 'approved']);
    expect(newest(scene, pump.id)).toMatchObject({
      leaf: { kind: 'lifted' },
      detail: {
        actor: { kind: 'iam', principal: SECOND },
        owner: OWNER,
        inputs: { approval: shown.approval, level: 'cut', cause: 'investigation', from, epoch: 2 },
      },
    });
    expect(gapsIn(scene)).toEqual([]);
  });

  test('asks for alignment, and ends the certificate that the device was left with', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    scene.alignments.requested.length = 0;
    await approve(scene, shown, SECOND);
    expect(scene.alignments.requested).toEqual([pump.id]);
    expect(scene.alignments.requestedRevocations).toEqual([CURRENT]);
    expect(await certificateRow(scene, CURRENT)).toMatchObject({ wanted: 'removed', device: pump.id });
    expect(await revokedIn(scene)).toMatchObject([
      { serial: issued('b').serial, reason: 'superseded', revokedAt: TODAY },
    ]);
  });

  test('lets the device come in again as at its first connect, and the ended certificate no more', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    await approve(scene, shown, SECOND);
    await alignDevice(pump.id, scene);
    await alignCertificate(CURRENT, scene);
    expect(await scene.broker.findCertificate(CURRENT)).toBeUndefined();
    expect(await registerDevice(arrivalOf(scene, pump.party), scene)).toMatchObject({ value: { verdict: 'admitted' } });
    await alignDevice(pump.id, scene);
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'registered', epoch: 2 });
    expect((await scene.broker.findCertificate(pump.certificateId))?.status).toBe('ACTIVE');
    expect(gapsIn(scene)).toEqual([]);
  });
});

describe('T138 a lift is refused, and the device stays in quarantine,', () => {
  test('T134 by the approver who requested it, also under the name of another role (approver-is-requester)', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    const otherRole = APPROVER.replace('assumed-role/approver', 'assumed-role/chief');
    const wider = { ...scene, roles: { operator: [PRINCIPAL], approver: [APPROVER, SECOND, otherRole] } };
    for (const approver of [APPROVER, otherRole]) {
      expect(await approve(wider, shown, approver)).toMatchObject({ refusal: { reason: 'approver-is-requester' } });
    }
    expect(await isCut(scene, pump)).toBe(true);
  });

  test('by an operator (not-permitted)', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    expect(await approve(scene, shown, PRINCIPAL)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    expect(await isCut(scene, pump)).toBe(true);
  });

  test('when it was imposed after the request: nobody has looked at that one (approval-differs)', async () => {
    const { scene, pump } = await quarantinedScene('operational', 'restricted');
    const shown = shownIn(await request(scene, pump.id));
    scene.clock.advance(1000);
    await impose(scene, pump, { level: 'cut', cause: 'compromised' });
    expect(await approve(scene, shown, SECOND)).toMatchObject({
      refusal: { reason: 'approval-differs', expected: QUARANTINED, got: '2026-11-24T14:00:01.000Z' },
    });
    expect(await isCut(scene, pump)).toBe(true);
    expect(kindsOf(scene, `approval/${shown.approval}`)).toEqual(['approval-requested']);
  });

  test('when the device was lifted and put in quarantine again meanwhile (approval-differs)', async () => {
    const { scene, pump, shown } = await requestedScene('owned');
    const other = shownIn(await request(scene, pump.id));
    await approve(scene, other, SECOND);
    scene.clock.advance(1000);
    await impose(scene, pump, { level: 'cut', cause: 'lost' });
    expect(await approve(scene, shown, SECOND)).toMatchObject({ refusal: { reason: 'approval-differs' } });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'quarantined', level: 'cut', epoch: 2 });
  });

  test.each([
    ['denied', 'deny'],
    ['retired', 'retire'],
  ] as const)('T050 when the device was %s meanwhile (not-quarantined)', async (state, kind) => {
    const { scene, pump, shown } = await requestedScene('operational');
    await changeStanding(scene, { kind, device: pump.id, cause: 'stolen' });
    expect(await approve(scene, shown, SECOND)).toMatchObject({ refusal: { reason: 'not-quarantined', state } });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state, epoch: 1 });
  });

  test('T053 when its key came under suspicion at the very same time (key-suspect)', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    const device = await readDevice(scene, pump.id);
    scene.registry.seed(deviceKey(pump.id), { ...device, cause: 'clone' });
    expect(await approve(scene, shown, SECOND)).toMatchObject({ refusal: { reason: 'key-suspect' } });
    expect(await isCut(scene, pump)).toBe(true);
  });

  test('over a request that was changed after it was shown (approval-differs)', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    const other = await pumpAt(scene, 'owned', 'P1002');
    await impose(scene, other, { level: 'cut', cause: 'lost' });
    const row = await storedIn(scene, shown.approval);
    scene.registry.seed(approvalKey(shown.approval), { ...row, act: { ...row.act, device: other.id } });
    expect(await approve(scene, shown, SECOND)).toMatchObject({ refusal: { reason: 'approval-differs' } });
    expect([await isCut(scene, pump), await isCut(scene, other)]).toEqual([true, true]);
  });

  test('a second time: it is used once (approval-used)', async () => {
    const { scene, shown } = await requestedScene('operational');
    await approve(scene, shown, SECOND);
    const before = scene.registry.rows('devices');
    expect(await approve(scene, shown, SECOND)).toMatchObject({ refusal: { reason: 'approval-used' } });
    expect(scene.registry.rows('devices')).toEqual(before);
  });
});

describe('when something fails', () => {
  test('T049 a lift is whole or not at all, whichever call failed, and the broker follows', async () => {
    const model = await requestedScene('operational');
    const points = await faultPoints(fakesOf(model.scene), () => approve(model.scene, model.shown, SECOND));
    expect(points.filter(({ on }) => on === 'commit')).toHaveLength(2);
    expect(points.filter(({ fake }) => fake === 'alignments')).toHaveLength(4);
    for (const point of points) {
      const { scene, pump, shown } = await requestedScene('operational');
      plan(fakesOf(scene), point);
      await expect(approve(scene, shown, SECOND), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      const kept = point.fake === 'alignments' || (point.on === 'commit' && point.kept);
      expect(await isCut(scene, pump), JSON.stringify(point)).toBe(!kept);
      const again = await approve(scene, shown, SECOND);
      expect(again.outcome === 'done' ? 'done' : again.refusal.reason).toBe(kept ? 'approval-used' : 'done');
      expect(await readDevice(scene, pump.id)).toEqual(await readDevice(model.scene, pump.id));
      // What nobody asked for is found by the sweep.
      const pending = (await scene.registry.pendingAlignments(scene.clock.now(), 10)).map(({ pk }) => pk);
      expect(pending.sort()).toEqual([`certificate#${CURRENT}`, `device#${pump.id}`]);
      await alignDevice(pump.id, scene);
      await alignCertificate(CURRENT, scene);
      expect(await scene.broker.findCertificate(CURRENT)).toBeUndefined();
      expect(gapsIn(scene)).toEqual([]);
    }
  });

  test('a device that moved between the read and the transaction is a fault, and nothing of the approval is used', async () => {
    const { scene, pump, shown } = await requestedScene('operational');
    scene.registry.beforeCommit(async () => {
      await changeStanding(scene, { kind: 'deny', device: pump.id, cause: 'stolen' });
    });
    const owners = stateOf(scene).owners;
    await expect(approve(scene, shown, SECOND)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'denied' });
    expect(stateOf(scene).owners).toEqual(owners);
  });
});

const TODAY = '2026-11-24T14:00:00.000Z';
const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });

async function workScene(stage: Stage): Promise<{ readonly scene: Scene; readonly pump: Pump }> {
  const made = await makeScene();
  const scene = { ...made, roles: { operator: [PRINCIPAL], approver: [APPROVER, SECOND] } };
  const pump = await pumpAt(scene, stage);
  // Whatever the quotas of the broker have cost.
  scene.clock.set(QUARANTINED);
  return { scene, pump };
}

async function quarantinedScene(stage: Stage, level: 'restricted' | 'cut' = 'cut') {
  const { scene, pump } = await workScene(stage);
  await impose(scene, pump, { level, cause: 'investigation' });
  scene.clock.set(TODAY);
  return { scene, pump };
}

async function requestedScene(stage: Stage): Promise<{ scene: Scene; pump: Pump; shown: Shown }> {
  const { scene, pump } = await quarantinedScene(stage);
  return { scene, pump, shown: shownIn(await request(scene, pump.id)) };
}

function impose(scene: Scene, { id: device }: Pump, { level, cause }: { level: string; cause: string }) {
  return changeStanding(scene, { kind: 'quarantine', device, level, cause });
}

function request(scene: Scene, device: string, requester = APPROVER) {
  return ask({ ...scene, requestId: scene.random.newId() }, requester, { kind: 'request-lift', device });
}

async function isCut(scene: Scene, { id }: Pump): Promise<boolean> {
  const device = await readDevice(scene, id);
  return device !== undefined && isQuarantined(device) && device.level === 'cut' && device.epoch === 1;
}

function newest(scene: Scene, id: string) {
  const entries = entriesOf(scene).filter(({ stream }) => stream === `device/${id}`);
  return entries.sort((a, b) => a.seq - b.seq).at(-1);
}

function approvalsIn({ registry }: Scene) {
  return registry.rows('owners').filter(({ pk }) => pk.startsWith('approval#'));
}
