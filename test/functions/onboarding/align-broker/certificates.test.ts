// Does the broker come to know a certificate whose CA nobody here can register, and does its device open only when owned?
import { describe, expect, test } from 'vitest';
import { presenceOf } from '../register-device/notices.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { align, alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { certificateKey } from '../../../../shared/whitelist/certificate-row.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { entriesOf, gapsIn, kindsOf, listChip, listPump, makeScene, own, readDevice, type Scene } from '../../scene.ts';

describe('a listed certificate of the path "registered"', () => {
  test('is registered, INACTIVE and attached to nothing, and its row settles with its entry', async () => {
    const { scene, chip } = await chipScene();
    expect(await alignCertificate(chip.certificateId, scene)).toBe('known');
    expect(await look(scene, chip.certificateId)).toEqual({ status: 'INACTIVE', things: [], policies: [] });
    expect(await scene.registry.read([certificateKey(chip.certificateId)])).toEqual([
      { version: 2, certificateId: chip.certificateId, wanted: 'known', alignedAt: scene.clock.now() },
    ]);
    expect(kindsOf(scene, `certificate/${chip.certificateId}`)).toEqual(['alignment-requested', 'aligned']);
    expect(scene.broker.connect(chip.certificateId, 'none')).toBe('closed');
  });

  test('that has settled calls the broker for nothing', async () => {
    const { scene, chip } = await chipScene();
    await alignCertificate(chip.certificateId, scene);
    const before = { calls: scene.broker.calls.length, entries: entriesOf(scene).length };
    expect(await alignCertificate(chip.certificateId, scene)).toBe('settled');
    expect({ calls: scene.broker.calls.length, entries: entriesOf(scene).length }).toEqual(before);
  });

  test('that its owned device has made ACTIVE meanwhile stays so', async () => {
    const { scene, chip } = await chipScene();
    await own(scene, chip);
    await alignDevice(chip.id, scene);
    await alignCertificate(chip.certificateId, scene);
    expect(await look(scene, chip.certificateId)).toEqual(OPEN(chip.id));
  });

  test('waits for a turn of its own kind, so that a reel of chips stands before no device', async () => {
    const scene = await makeScene();
    const reel = [];
    for (let device = 0; device < 9; device += 1) reel.push(await listChip(scene, `c${device}`));
    for (const { certificateId } of reel) await alignCertificate(certificateId, scene);
    expect(scene.clock.pauses).toEqual(Array<number>(8).fill(125));
    expect(await scene.quota.tryTurn()).toBe(true);
  });

  test('without a row, or whose listing keeps none, is never registered', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    await expect(alignCertificate(pump.certificateId, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    scene.registry.seed(certificateKey(pump.certificateId), {
      version: 1,
      certificateId: pump.certificateId,
      wanted: 'known',
      brokerPending: scene.clock.now(),
    });
    await expect(alignCertificate(pump.certificateId, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    scene.registry.seed(listingKey(pump.certificateId), { version: 1 });
    await expect(alignCertificate(pump.certificateId, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(scene.broker.calls).toEqual([]);
  });

  test('is asked for beside devices', async () => {
    const { scene, chip } = await chipScene();
    expect(await align({ certificate: chip.certificateId }, scene)).toEqual({
      certificate: chip.certificateId,
      shown: 'known',
    });
  });

  test('T049 is registered after a rerun, whichever call failed, with one entry for each change', async () => {
    const model = await chipScene();
    const points = await faultPoints(fakesOf(model.scene), () =>
      alignCertificate(model.chip.certificateId, model.scene),
    );
    expect(points.filter(({ on }) => on === 'registerCertificate')).toHaveLength(2);
    for (const point of points) {
      const { scene, chip } = await chipScene();
      plan(fakesOf(scene), point);
      await expect(alignCertificate(chip.certificateId, scene), JSON.stringify(point)).rejects.toThrow('told to fail');
      await alignCertificate(chip.certificateId, scene);
      expect(await look(scene, chip.certificateId)).toEqual({ status: 'INACTIVE', things: [], policies: [] });
      expect(kindsOf(scene, `certificate/${chip.certificateId}`), JSON.stringify(point)).toEqual([
        'alignment-requested',
        'aligned',
      ]);
      expect(gapsIn(scene)).toEqual([]);
    }
  });

  test('that two workers register at once has one entry', async () => {
    const { scene, chip } = await chipScene();
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(async () => {
      await alignCertificate(chip.certificateId, scene);
    });
    expect(await alignCertificate(chip.certificateId, scene)).toBe('known');
    expect(kindsOf(scene, `certificate/${chip.certificateId}`)).toEqual(['alignment-requested', 'aligned']);
  });
});

describe('an owned device of the path "registered"', () => {
  test('T049 is ACTIVE with thing and policy, also when its certificate was not registered yet', async () => {
    const { scene, chip } = await ownedScene();
    expect(await alignDevice(chip.id, scene)).toEqual({ device: chip.id, shown: 'active' });
    expect(await look(scene, chip.certificateId)).toEqual(OPEN(chip.id));
    expect(scene.broker.changes.map((change) => change.split(' ')[0])).toEqual([
      'registerCertificate',
      'createThing',
      'attachThing',
      'attachPolicy',
      'setStatus',
    ]);
    expect(scene.broker.connect(chip.certificateId, 'none')).toBe('connected');
    const device = await readDevice(scene, chip.id);
    expect(device).toMatchObject({ state: 'owned', version: 2 });
    expect(device).not.toHaveProperty('brokerPending');
  });

  test('T049 never stands open without its thing and its policy, whichever call failed', async () => {
    const model = await ownedScene();
    const points = await faultPoints(fakesOf(model.scene), () => alignDevice(model.chip.id, model.scene));
    for (const point of points) {
      const { scene, chip } = await ownedScene();
      plan(fakesOf(scene), point);
      await expect(alignDevice(chip.id, scene), JSON.stringify(point)).rejects.toThrow('told to fail');
      const shown = await look(scene, chip.certificateId);
      if (shown?.status === 'ACTIVE') expect(shown).toEqual(OPEN(chip.id));
      scene.clock.advance(60_000);
      await alignDevice(chip.id, scene);
      expect(await look(scene, chip.certificateId), JSON.stringify(point)).toEqual(OPEN(chip.id));
      expect(kindsOf(scene, `device/${chip.id}`)).toEqual(['claimed', 'aligned']);
    }
  });

  test('whose listing keeps no certificate is a fault, and nothing is changed', async () => {
    const { scene, chip } = await ownedScene();
    const { certificate: _kept, ...bare } = chip.listing;
    scene.registry.seed(listingKey(chip.certificateId), bare);
    await expect(alignDevice(chip.id, scene)).rejects.toMatchObject({ code: 'row-malformed' });
    expect(scene.broker.changes).toEqual([]);
  });

  test('F08 is made known at the pace of registrations, once; where the broker knows it no such call is made', async () => {
    const { scene, chip } = await ownedScene();
    const turns: string[] = [];
    const quota = { awaitTurn: (work = 'broker') => Promise.resolve(void turns.push(work)) };
    await alignDevice(chip.id, { ...scene, quota });
    expect(turns).toEqual(['broker', 'registration', 'broker']);
    await registerDevice(presenceOf(chip), scene);
    await alignDevice(chip.id, { ...scene, quota });
    expect(turns.slice(3)).toEqual(['broker']);
    expect(scene.broker.calls.filter((call) => call === 'registerCertificate')).toHaveLength(1);
  });
});

test('a device of the path "jitr" is never registered by us: it comes by itself', async () => {
  const scene = await makeScene();
  const pump = await own(scene, await listPump(scene));
  expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'absent' });
  expect(scene.broker.calls).not.toContain('registerCertificate');
});

const OPEN = (id: string) => ({ status: 'ACTIVE', things: [id], policies: ['registration'] });
const fakesOf = ({ registry, broker }: Scene) => ({ registry, broker });

async function chipScene() {
  const scene = await makeScene();
  return { scene, chip: await listChip(scene) };
}

async function ownedScene() {
  const { scene, chip } = await chipScene();
  return { scene, chip: await own(scene, chip) };
}

async function look({ broker }: Scene, certificateId: string) {
  const certificate = await broker.findCertificate(certificateId);
  if (certificate === undefined) return undefined;
  const { arn, status } = certificate;
  return { status, things: await broker.listThings(arn), policies: await broker.listPolicies(arn) };
}
