// What does it mean that a device is connected? The first connect of one whose certificate was registered beforehand, and
// nothing of any other.
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { parseNotice } from '../../../../functions/onboarding/register-device/notice.ts';
import { revokedKey } from '../../../../shared/identity/revocation.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { deny } from '../../../../shared/lifecycle-moves.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import {
  ACCOUNT,
  entriesOf,
  gapsIn,
  kindsOf,
  listChip,
  listPump,
  makeScene,
  NOW,
  own,
  ownPump,
  readDevice,
  stateOf,
  type Scene,
} from '../../scene.ts';
import { certificateRow, presenceOf } from './notices.ts';

describe('a device of the path "registered"', () => {
  test('is admitted by its presence, and its entry names no authority', async () => {
    const { scene, chip } = await openScene();
    expect(await registerDevice(presenceOf(chip), scene)).toEqual({
      outcome: 'done',
      value: { device: chip.id, verdict: 'admitted' },
    });
    expect(await readDevice(scene, chip.id)).toMatchObject({ state: 'registered', registeredAt: scene.clock.now() });
    const entry = entriesOf(scene).find(({ leaf }) => leaf.kind === 'admitted');
    expect(entry?.detail.inputs).toMatchObject({ event: 'presence', certificateId: chip.certificateId });
    expect(entry?.detail.inputs).not.toHaveProperty('authorityId');
    expect(await alignDevice(chip.id, scene)).toEqual({ device: chip.id, shown: 'active' });
    expect(gapsIn(scene)).toEqual([]);
  });

  test('that was admitted is not ended by a list of its maker: the owner decides (T040)', async () => {
    const { scene, chip } = await openScene();
    await registerDevice(presenceOf(chip), scene);
    const [link] = chip.listing.chain;
    if (link === undefined) throw new Error('expected a link');
    scene.registry.seed(revokedKey(link), { version: 1, revokedAt: NOW, list: 'd'.repeat(64) });
    const before = stateOf(scene);
    expect(await registerDevice(presenceOf(chip), scene)).toMatchObject({ value: { verdict: 'repeated' } });
    expect(stateOf(scene)).toEqual(before);
  });

  test('that is present again changes nothing: the broker lets it in, as it should', async () => {
    const { scene, chip } = await openScene();
    await registerDevice(presenceOf(chip), scene);
    await alignDevice(chip.id, scene);
    scene.clock.advance(60_000);
    const before = stateOf(scene);
    expect(await registerDevice(presenceOf(chip, scene.clock.now()), scene)).toMatchObject({
      value: { verdict: 'repeated' },
    });
    expect(stateOf(scene)).toEqual(before);
    expect(scene.alignments.requested).toEqual([chip.id]);
  });

  test('that was denied is refused for good, and its certificate, known so far, is revoked', async () => {
    const { scene, chip } = await openScene();
    await registerDevice(presenceOf(chip), scene);
    const device = await readDevice(scene, chip.id);
    scene.registry.seed(
      deviceKey(chip.id),
      device === undefined ? {} : (deny(device, { cause: 'stolen', now: NOW }) ?? {}),
    );
    expect(await certificateRow(scene, chip.certificateId)).toMatchObject({ version: 2, wanted: 'known' });
    expect(await registerDevice(presenceOf(chip), scene)).toMatchObject({ refusal: { reason: 'denied' } });
    expect(await certificateRow(scene, chip.certificateId)).toMatchObject({ version: 3, wanted: 'revoked' });
    expect(scene.alignments.requestedRevocations).toEqual([chip.certificateId]);
    expect(kindsOf(scene, `certificate/${chip.certificateId}`)).toEqual([
      'alignment-requested',
      'aligned',
      'alignment-requested',
    ]);
  });

  test('that is refused for now keeps its certificate: no connect could bring it back', async () => {
    const scene = await makeScene();
    const chip = await listChip(scene);
    expect(await registerDevice(presenceOf(chip), scene)).toMatchObject({ refusal: { reason: 'not-owned' } });
    expect(await certificateRow(scene, chip.certificateId)).toMatchObject({ version: 1, wanted: 'known' });
    expect(scene.alignments.calls).toEqual([]);
  });
});

test('a presence that is refused for now makes no wish of a certificate that has none: it never waits for activation', async () => {
  const scene = await makeScene();
  const pump = await listPump(scene);
  scene.registry.seed(listingKey(pump.certificateId), { ...pump.listing, path: 'registered' });
  expect(await registerDevice(presenceOf(pump), scene)).toMatchObject({ refusal: { reason: 'not-owned' } });
  expect(await certificateRow(scene, pump.certificateId)).toBeUndefined();
});

describe('ignored, without a trace, is the presence', () => {
  test('of a device that comes by itself: its registration asked already', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    await expectIgnored(scene, pump.certificateId);
  });

  test('of a certificate that nobody listed', async () => {
    const scene = await makeScene();
    scene.broker.seed('e'.repeat(64), 'ACTIVE');
    await expectIgnored(scene, 'e'.repeat(64));
  });
});

describe('the notice of a presence', () => {
  const EVENT = {
    clientId: 'acme-c1001',
    timestamp: Date.parse(NOW),
    eventType: 'connected',
    principalIdentifier: 'a'.repeat(64),
  };

  test('is read by its principal and its time alone', () => {
    expect(parseNotice(JSON.stringify({ ...EVENT, ipAddress: '10.0.0.7', versionNumber: 0 }), ACCOUNT)).toEqual({
      outcome: 'done',
      value: { event: 'presence', certificateId: 'a'.repeat(64), connectedAt: NOW },
    });
  });

  test.each([
    ['a disconnect', { eventType: 'disconnected' }],
    ['a principal that is no certificate', { principalIdentifier: 'AIDAEXAMPLE' }],
    ['no time', { timestamp: undefined }],
  ])('T044 is none that is %s', (_name, change) => {
    expect(parseNotice(JSON.stringify({ ...EVENT, ...change }), ACCOUNT)).toMatchObject({
      refusal: { reason: 'notice-malformed' },
    });
  });
});

async function expectIgnored(scene: Scene, certificateId: string): Promise<void> {
  const before = stateOf(scene);
  expect(await registerDevice(presenceOf({ certificateId }), scene)).toEqual({
    outcome: 'done',
    value: { device: '', verdict: 'ignored' },
  });
  expect(stateOf(scene)).toEqual(before);
  expect(scene.broker.calls).toEqual([]);
  expect(scene.alignments.calls).toEqual([]);
}

/** Owned, and open at the broker with its certificate registered beforehand. */
async function openScene() {
  const scene = await makeScene();
  const chip = await own(scene, await listChip(scene));
  await alignCertificate(chip.certificateId, scene);
  await alignDevice(chip.id, scene);
  expect(scene.broker.connect(chip.certificateId, 'none')).toBe('connected');
  return { scene, chip };
}
