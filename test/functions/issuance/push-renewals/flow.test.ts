// Is a device asked to renew in time, again while it is away, and not once it has renewed?
import { describe, expect, test } from 'vitest';

import { pushRenewals } from '../../../../functions/issuance/push-renewals/flow.ts';
import { deviceKey, type Device } from '../../../../shared/lifecycle.ts';
import { deny, quarantine, touch } from '../../../../shared/lifecycle-moves.ts';
import { renewalKey } from '../../../../shared/issuance/renewal.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { makeIssuanceScene, registerPump, rotate, untilRenewal, type IssuanceScene } from '../../issuance-scene.ts';
import { entriesOf, gapsIn, readDevice } from '../../scene.ts';

const DAY = 86_400_000;

describe('a device whose certificate has reached two thirds of its life', () => {
  test('is asked on its own topic, for this very certificate', async () => {
    const { scene, pump, certificateId } = await dueScene();
    expect(await pushRenewals(scene)).toEqual({
      outcome: 'done',
      value: { day: '2027-01-23', due: 1, asked: 1, withdrawn: 0 },
    });
    expect(scene.topics.published).toEqual([
      {
        topic: `wardkey/${pump.id}/certificate/renew`,
        body: { certificateId, renewFrom: '2027-01-23T11:54:59.000Z' },
      },
    ]);
  });

  test('is asked again after one, three, seven, fourteen and twenty-one days: it may be switched off', async () => {
    const { scene, pump } = await dueScene();
    const days: number[] = [];
    for (let day = 0; day <= 30; day += 1) {
      const before = heard(scene, pump.id);
      await pushRenewals(scene);
      if (heard(scene, pump.id) > before) days.push(day);
      scene.clock.advance(DAY);
    }
    expect(days).toEqual([0, 1, 3, 7, 14, 21]);
  });

  test('is not asked a moment before, though its day has come', async () => {
    const { scene, pump } = await dueScene();
    scene.clock.advance(-1000);
    expect(await pushRenewals(scene)).toMatchObject({ value: { due: 1, asked: 0 } });
    expect(heard(scene, pump.id)).toBe(0);
  });

  test('is not asked once it has renewed', async () => {
    const { scene, pump } = await dueScene();
    await rotate(scene, pump.id, { requestId: 'request-b' });
    expect(await pushRenewals(scene)).toMatchObject({ value: { due: 1, asked: 0 } });
    expect(heard(scene, pump.id)).toBe(0);
  });

  const now = '2027-01-23T11:54:59.000Z';
  test.each<[string, (device: Device) => Device | undefined]>([
    ['in quarantine', (device) => quarantine(device, { level: 'restricted', cause: 'investigation', now })],
    ['denied', (device) => deny(device, { cause: 'stolen', now })],
  ])('is not asked while it is %s', async (_title, by) => {
    const { scene, pump } = await dueScene();
    await change(scene, pump.id, by);
    expect(await pushRenewals(scene)).toMatchObject({ value: { due: 1, asked: 0 } });
  });

  test('without a row is nobody to ask', async () => {
    const { scene } = await dueScene();
    const [due] = scene.registry.rows('devices').filter(({ pk }) => pk === 'renewals#2027-01-23');
    if (due === undefined) throw new Error('scene: expected a row of the calendar');
    scene.registry.seed({ ...due, sk: 'acme-P9999#gone' }, { ...due.row, device: 'acme-P9999' });
    expect(await pushRenewals(scene)).toMatchObject({ value: { due: 2, asked: 1 } });
  });
});

describe('a day', () => {
  test('has one entry, with what was due and asked, however often it is run', async () => {
    const { scene } = await dueScene();
    await pushRenewals(scene);
    await pushRenewals(scene);
    const entries = entriesOf(scene).filter(({ stream }) => stream === 'renewals/2027-01-23');
    expect(entries.map(({ detail }) => detail.inputs)).toEqual([{ day: '2027-01-23', due: 1, asked: 1, withdrawn: 0 }]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('on which nothing is due has its entry too: the schedule has run', async () => {
    const scene = await makeIssuanceScene();
    expect(await pushRenewals(scene)).toMatchObject({ value: { due: 0, asked: 0 } });
    expect(entriesOf(scene).at(-1)).toMatchObject({ stream: 'renewals/2026-11-24' });
  });

  test('with more devices than one read takes asks all of them', async () => {
    const { scene, pump, certificateId } = await dueScene();
    const device = await readDevice(scene, pump.id);
    if (device?.state !== 'operational') throw new Error('scene: expected a device in operation');
    for (let number = 0; number < 250; number += 1) {
      const id = `acme-Q${number}`;
      scene.registry.seed(deviceKey(id), { ...device, id });
      scene.registry.seed(renewalKey(device.current, id), { version: 1, device: id, certificateId });
    }
    expect(await pushRenewals(scene)).toMatchObject({ value: { due: 251, asked: 251 } });
    expect(new Set(scene.topics.published.map(({ topic }) => topic)).size).toBe(251);
  });

  test('after any call that failed asks whoever is due on the next run', async () => {
    const model = await dueScene();
    const fakes = ({ registry, topics }: IssuanceScene) => ({ registry, topics });
    for (const point of await faultPoints(fakes(model.scene), () => pushRenewals(model.scene))) {
      const { scene, pump } = await dueScene();
      plan(fakes(scene), point);
      await expect(pushRenewals(scene), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      expect(await pushRenewals(scene)).toMatchObject({ value: { due: 1, asked: 1, withdrawn: 0 } });
      expect(heard(scene, pump.id), JSON.stringify(point)).toBeGreaterThan(0);
      expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'renewal-asked')).toHaveLength(1);
    }
  });
});

async function dueScene() {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  const certificateId = await rotate(scene, pump.id);
  await untilRenewal(scene, pump.id);
  scene.topics.published.length = 0;
  return { scene, pump, certificateId };
}

function heard({ topics }: IssuanceScene, device: string): number {
  return topics.on(`wardkey/${device}/certificate/renew`).length;
}

async function change(scene: IssuanceScene, id: string, by: (row: Device) => Device | undefined): Promise<void> {
  const row = await readDevice(scene, id);
  scene.registry.seed(deviceKey(id), (row && by(touch(row))) ?? {});
}
