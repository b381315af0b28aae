// T075: a device that has a certificate of its owner's shows the factory's again. When may it begin anew?
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { sessionKey } from '../../../../shared/governance/session.ts';
import { ownerKey, type OwnerWishes } from '../../../../shared/identity/owner.ts';
import { refusalKey } from '../../../../shared/whitelist/refusal.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { issued, pumpAt, revokedIn } from '../../governance/at-work.ts';
import {
  AUDIENCE,
  gapsIn,
  kindsOf,
  makeScene,
  OWNER,
  PRINCIPAL,
  readDevice,
  type Pump,
  type Scene,
} from '../../scene.ts';
import { noticeOf } from './notices.ts';

const SPENT = 'factory-certificate-consumed';

async function spentScene(wishes: OwnerWishes = {}) {
  const scene = await makeScene();
  const pump = await pumpAt(scene, 'operational');
  scene.registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER, ...wishes });
  scene.alignments.requested.length = 0;
  return { scene, pump };
}

async function comeBack(scene: Scene, pump: Pump): Promise<string> {
  scene.clock.advance(1_000);
  scene.broker.connect(pump.certificateId, 'any', pump.party.pem);
  const outcome = await registerDevice(noticeOf(scene, pump, scene.clock.now()), scene);
  return outcome.outcome === 'done' ? outcome.value.verdict : outcome.refusal.reason;
}

async function openWindow(scene: Scene, pump: Pump, hours = 2): Promise<void> {
  const act = { kind: 'open-window', device: pump.id, hours };
  const outcome = await changeStanding(
    requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() }),
    scene,
  );
  expect(outcome).toMatchObject({ outcome: 'done' });
}

function liveSince(scene: Scene, endedAt?: string): void {
  const row = {
    version: 1,
    certificateId: issued('b').certificateId,
    address: 'x',
    session: 's',
    ended: [],
    changes: [],
  };
  const ended = endedAt === undefined ? {} : { endedAt };
  scene.registry.seed(sessionKey('acme-P1001'), { ...row, connectedAt: scene.clock.now(), ...ended });
}

describe('T075 T086 outside of a reset window', () => {
  test('the spent factory certificate is refused, for now, and the device stays as it is', async () => {
    const { scene, pump } = await spentScene();
    const before = await readDevice(scene, pump.id);
    expect(await comeBack(scene, pump)).toBe(SPENT);
    expect(await comeBack(scene, pump)).toBe(SPENT);
    expect(await readDevice(scene, pump.id)).toEqual(before);
    const [row] = await scene.registry.read([refusalKey(pump.certificateId, SPENT, before?.version ?? 0)]);
    expect(row).toMatchObject({ reason: SPENT, device: pump.id, repeats: 1 });
    expect(scene.alignments.requested).toEqual([]);
    expect((await scene.broker.findCertificate(pump.certificateId))?.status).toBe('PENDING_ACTIVATION');
    expect(gapsIn(scene)).toEqual([]);
  });

  test('it is still refused a moment after the window has closed, and at the moment it closes', async () => {
    const { scene, pump } = await spentScene();
    await openWindow(scene, pump, 1);
    scene.clock.advance(3_600_000 - 1_000);
    expect(await comeBack(scene, pump)).toBe(SPENT);
  });

  test.each([
    ['restrict', 'restricted'],
    ['cut', 'cut'],
  ] as const)('it is a sign of a clone: its owner wished %s', async (onClone, level) => {
    const { scene, pump } = await spentScene({ onClone });
    expect(await comeBack(scene, pump)).toBe(SPENT);
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'quarantined', level, cause: 'clone' });
    expect(await comeBack(scene, pump)).toBe('quarantined');
    expect(gapsIn(scene)).toEqual([]);
  });
});

describe('inside a reset window', () => {
  test('the device begins anew under the same owner and epoch, what it had has ended, and its next connect is admitted', async () => {
    const { scene, pump } = await spentScene();
    await openWindow(scene, pump);
    expect(await comeBack(scene, pump)).toBe('reset');
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', owner: OWNER, epoch: 1 });
    expect(scene.alignments.requested).toEqual([pump.id]);
    expect(scene.alignments.requestedRevocations).toEqual([issued('b').certificateId]);
    expect((await revokedIn(scene)).map(({ serial }) => serial)).toEqual([issued('b').serial]);
    expect(kindsOf(scene, `device/${pump.id}`).at(-1)).toBe('reset');
    await alignDevice(pump.id, scene);
    await alignCertificate(issued('b').certificateId, scene);
    expect(await scene.broker.findCertificate(issued('b').certificateId)).toBeUndefined();
    expect(await comeBack(scene, pump)).toBe('admitted');
    expect(gapsIn(scene)).toEqual([]);
  });

  test('it begins anew once: the window is gone with the certificate it was opened for', async () => {
    const { scene, pump } = await spentScene();
    await openWindow(scene, pump, 72);
    await comeBack(scene, pump);
    expect(await readDevice(scene, pump.id)).not.toHaveProperty('window');
  });

  test('it is refused while a session over its certificate is open, and not after', async () => {
    const { scene, pump } = await spentScene();
    await openWindow(scene, pump);
    liveSince(scene);
    expect(await comeBack(scene, pump)).toBe(SPENT);
    liveSince(scene, scene.clock.now());
    expect(await comeBack(scene, pump)).toBe('reset');
  });

  test('whatever fails, lost or kept, it has begun anew in the end, and nothing is left half', async () => {
    const prepare = async () => {
      const { scene, pump } = await spentScene();
      await openWindow(scene, pump);
      return { scene, pump };
    };
    const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });
    const learning = await prepare();
    const points = await faultPoints(fakesOf(learning.scene), () => comeBack(learning.scene, learning.pump));
    for (const point of points) {
      const { scene, pump } = await prepare();
      plan(fakesOf(scene), point);
      await comeBack(scene, pump).catch(() => comeBack(scene, pump));
      const device = await readDevice(scene, pump.id);
      // The second notice of one connect may find it begun already: then it is admitted.
      expect(['owned', 'registered'], JSON.stringify(point)).toContain(device?.state);
      expect((await revokedIn(scene)).length, JSON.stringify(point)).toBe(1);
      expect(gapsIn(scene), JSON.stringify(point)).toEqual([]);
    }
  });
});

describe('a certificate that ended in storage', () => {
  const AFTER = '2027-01-01T00:00:00.000Z';

  test('lets the device begin anew where its owner wishes it', async () => {
    const { scene, pump } = await spentScene({ onExpiry: 'reset' });
    expect(await comeBack(scene, pump)).toBe(SPENT);
    scene.clock.set(AFTER);
    expect(await comeBack(scene, pump)).toBe('reset');
  });

  test.each([[{}], [{ onExpiry: 'refuse' }]] as const)('does not under the wish %j', async (wishes) => {
    const { scene, pump } = await spentScene(wishes);
    scene.clock.set(AFTER);
    expect(await comeBack(scene, pump)).toBe(SPENT);
  });
});

test('a retired device is refused for good, and its certificate revoked', async () => {
  const { scene, pump } = await spentScene();
  const act = { kind: 'retire', device: pump.id, cause: 'end-of-life' };
  await changeStanding(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() }), scene);
  expect(await comeBack(scene, pump)).toBe('retired');
  expect(scene.alignments.requestedRevocations).toContain(pump.certificateId);
});
