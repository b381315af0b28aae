// May the stack be deleted? Only when no certificate hangs on its policies and none of its authorities is registered.
import { expect, test } from 'vitest';

import { guardDeletion } from '../../../../functions/governance/guard-deletion/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { noticeOf } from '../../onboarding/register-device/notices.ts';
import { makeScene, ownPump, type Scene } from '../../scene.ts';

test('frees a deployment without devices and authorities', async () => {
  expect(await guard(await makeScene())).toEqual({ outcome: 'done', value: 'free' });
});

test('refuses while a certificate hangs on a policy', async () => {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  await registerDevice(noticeOf(scene, pump), scene);
  scene.broker.seed(pump.certificateId, 'PENDING_ACTIVATION');
  await alignDevice(pump.id, scene);
  expect(await guard(scene)).toEqual({
    outcome: 'refused',
    refusal: { reason: 'devices-remain', certificates: 1, authorities: 0 },
  });
});

test('counts a certificate once that hangs on both policies', async () => {
  const scene = await makeScene();
  scene.broker.seed('a'.repeat(64), 'INACTIVE');
  for (const policy of POLICIES) await scene.broker.attachPolicy(policy, scene.broker.arnOf('a'.repeat(64)));
  expect(await guard(scene)).toMatchObject({ refusal: { certificates: 1 } });
});

test('refuses while one of its authorities is registered with the broker', async () => {
  const scene = await makeScene();
  await scene.authorities.register(scene.authority.pem);
  expect(await guard(scene)).toEqual({
    outcome: 'refused',
    refusal: { reason: 'devices-remain', certificates: 0, authorities: 1 },
  });
  await scene.authorities.remove(scene.authority.certificate.fingerprint);
  expect(await guard(scene)).toEqual({ outcome: 'done', value: 'free' });
});

test('takes a question that failed for a fault, never for an empty answer', async () => {
  const scene = await makeScene();
  scene.broker.failNext({ on: 'listPolicyTargets', kept: false });
  await expect(guard(scene)).rejects.toThrow('told to fail');
});

test('looks only', async () => {
  const scene = await makeScene();
  await scene.authorities.register(scene.authority.pem);
  await guard(scene);
  expect(scene.broker.changes).toEqual([]);
  expect(scene.registry.committed).toEqual([]);
  expect(scene.authorities.calls.filter((call) => call !== 'isRegistered')).toEqual(['register']);
});

const POLICIES = ['registration', 'operation'];

function guard({ registry, broker, authorities }: Scene) {
  return guardDeletion({ registry, broker, authorities, policies: POLICIES });
}
