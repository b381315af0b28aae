// T050: which state of a device lets its factory certificate in?
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { revocationListKey } from '../../../../shared/identity/revocation.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { AUDIENCE, gapsIn, listPump, makeScene, own, PRINCIPAL, readDevice, stateOf, type Scene } from '../../scene.ts';
import { certificateRow, noticeOf } from './notices.ts';

const LONG_AGO = '2026-01-01T00:00:00.000Z';
const CUT = { kind: 'quarantine', level: 'cut', cause: 'compromised' };
const RESTRICT = { kind: 'quarantine', level: 'restricted', cause: 'investigation' };
const DENY = { kind: 'deny', cause: 'stolen' };

describe('T050 a device', () => {
  test('that is owned is admitted, and one that was admitted is repeated', async () => {
    const { connect } = await pumpScene('owned');
    expect(await connect()).toBe('admitted');
    expect(await connect()).toBe('repeated');
  });

  test.each([
    ['owned', CUT],
    ['owned', RESTRICT],
    ['registered', CUT],
  ] as const)('that is %s and then in quarantine is refused for now: %j', async (state, act) => {
    const { scene, pump, connect } = await pumpScene(state);
    await change(scene, { ...act, device: pump.id });
    const before = await readDevice(scene, pump.id);
    expect(await connect()).toBe('quarantined');
    expect(await readDevice(scene, pump.id)).toEqual(before);
    expect(await certificateRow(scene, pump.certificateId)).toMatchObject({ wanted: 'absent' });
    expect(scene.alignments.requestedRevocations).toEqual([]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('that was restricted after it was admitted is repeated, and its alignment asked for once it was lost', async () => {
    const { scene, pump, connect } = await pumpScene('registered');
    await change(scene, { ...RESTRICT, device: pump.id });
    scene.broker.connect(pump.certificateId, 'any', pump.party.pem);
    expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'active' });
    await scene.broker.setStatus(pump.certificateId, 'INACTIVE');
    expect(await connect()).toBe('repeated');
    expect(await readDevice(scene, pump.id)).toMatchObject({
      state: 'quarantined',
      level: 'restricted',
      brokerPending: scene.clock.now(),
    });
    expect(scene.alignments.requested.at(-1)).toBe(pump.id);
  });

  test.each(['listed', 'owned', 'registered'] as const)(
    'that is %s and then denied is refused for good, and its certificate revoked',
    async (state) => {
      const { scene, pump, connect } = await pumpScene(state);
      await change(scene, { ...DENY, device: pump.id });
      expect(await connect()).toBe('denied');
      expect(await certificateRow(scene, pump.certificateId)).toMatchObject({ wanted: 'revoked' });
      expect(scene.alignments.requestedRevocations).toEqual([pump.certificateId]);
      expect(gapsIn(scene)).toEqual([]);
    },
  );

  test('that was denied is refused for good also while the list of its maker is out of date', async () => {
    const { scene, pump, connect } = await pumpScene('owned');
    await change(scene, { ...DENY, device: pump.id });
    const [link] = pump.listing.chain;
    const list = { version: 1, digest: 'd'.repeat(64), number: '1', thisUpdate: LONG_AGO, nextUpdate: LONG_AGO };
    scene.registry.seed(revocationListKey(link?.issuerKey ?? ''), list);
    expect(await connect()).toBe('denied');
  });

  test('that was denied while its notice was decided is not admitted: the comparison is lost', async () => {
    const { scene, pump, connect } = await pumpScene('owned');
    scene.registry.beforeCommit(() => change(scene, { ...DENY, device: pump.id }));
    expect(await connect()).toBe('denied');
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'denied', version: 2 });
  });

  test('that nobody owns is refused, and nothing is made of it', async () => {
    const { scene, pump, connect } = await pumpScene('listed');
    expect(await connect()).toBe('not-owned');
    expect(await readDevice(scene, pump.id)).toBeUndefined();
    expect(stateOf(scene).devices.some(({ pk }) => pk === `device#${pump.id}`)).toBe(false);
  });
});

async function pumpScene(state: 'listed' | 'owned' | 'registered') {
  const scene = await makeScene();
  const pump = await listPump(scene);
  if (state !== 'listed') await own(scene, pump);
  const connect = async () => {
    scene.clock.advance(1000);
    const answer = await registerDevice(noticeOf(scene, pump, scene.clock.now()), scene);
    return answer.outcome === 'done' ? answer.value.verdict : answer.refusal.reason;
  };
  if (state === 'registered') await connect();
  return { scene, pump, connect };
}

async function change(scene: Scene, act: Json): Promise<void> {
  const event = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() });
  expect(await changeStanding(event, scene)).toMatchObject({ outcome: 'done', value: { result: 'changed' } });
}
