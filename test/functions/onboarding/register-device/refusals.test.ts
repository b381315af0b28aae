// Which listed devices does `register-device` refuse, and what does a refusal leave behind?
import { describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import type { Notice } from '../../../../functions/onboarding/register-device/notice.ts';
import { parseDevice } from '../../../../shared/device-row.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { markPending } from '../../../../shared/lifecycle-moves.ts';
import { REASONS, type RefusalReason } from '../../../../shared/reasons.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { parseRefusal, refusalKey } from '../../../../shared/whitelist/refusal.ts';
import { makeAuthority, makeDevice } from '../../../pki/certificates.ts';
import {
  entriesOf,
  gapsIn,
  holdPump,
  kindsOf,
  listPump,
  makeScene,
  NOW,
  own,
  ownPump,
  readDevice,
  trustAuthority,
  type Scene,
} from '../../scene.ts';
import { certificateRow, daysAfter, noticeOf } from './notices.ts';

describe('refusal', () => {
  test('T041 of a certificate under a CA that is not in our registry', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    await expectRefusal(scene, { ...noticeOf(scene, pump), authorityId: 'c'.repeat(64) }, 'authority-unknown');
  });

  test('T041 of a certificate under another of our CAs than its listing names, curably: its maker may have renewed it', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const other = await makeAuthority('Bravo Root');
    trustAuthority(scene.registry, other, 'bravo');
    const notice = { ...noticeOf(scene, pump), authorityId: other.certificate.fingerprint };
    await expectRefusal(scene, notice, 'authority-differs');
  });

  test('of a listed device that nobody owns', async () => {
    const scene = await makeScene();
    await expectRefusal(scene, noticeOf(scene, await listPump(scene)), 'not-owned');
  });

  test('T014 of a held listing, whatever else is true of it', async () => {
    const scene = await makeScene();
    const pump = await holdPump(scene);
    await expectRefusal(scene, noticeOf(scene, pump), 'listing-held');
    await own(scene, pump);
    scene.clock.advance(1);
    expect(await registerDevice(noticeOf(scene, pump), scene)).toMatchObject({ refusal: { reason: 'listing-held' } });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 1 });
  });

  test('of a listing whose device row belongs to another certificate', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const { fingerprint } = (await makeDevice(scene.authority, 'P1001', { key: 'other' })).certificate;
    scene.registry.seed(listingKey(fingerprint), { ...pump.listing, fingerprint });
    await expectRefusal(scene, noticeOf(scene, { certificateId: fingerprint }), 'not-listed');
  });

  test('of a listing that stands under another certificate id than its own', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    scene.registry.seed(listingKey('e'.repeat(64)), pump.listing);
    const device = (await readDevice(scene, pump.id)) ?? {};
    scene.registry.seed(deviceKey(pump.id), { ...device, factoryCertificate: 'e'.repeat(64) });
    await expectRefusal(scene, noticeOf(scene, { certificateId: 'e'.repeat(64) }), 'not-listed');
  });

  test('of a device whose listing has lost its anchor is none but a fault: the listing stands on nothing', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    scene.registry.seed(listingKey(pump.certificateId), { ...pump.listing, issuer: 'd'.repeat(64) });
    await expect(registerDevice(noticeOf(scene, pump), scene)).rejects.toMatchObject({
      code: 'row-malformed',
      message: expect.stringContaining('the anchor of its listing is missing') as unknown,
    });
  });
});

describe('a refusal that comes again', () => {
  test('is entered once, and its repeats are counted', async () => {
    const { scene, pump, run } = await unownedScene();
    for (let connect = 0; connect < 5; connect += 1) await run();
    expect(kindsOf(scene, `refusal/${pump.certificateId}/not-owned/0`)).toEqual(['refused']);
    expect(kindsOf(scene, `certificate/${pump.certificateId}`)).toEqual(['alignment-requested']);
    const [row] = await scene.registry.read([refusalKey(pump.certificateId, 'not-owned', 0)]);
    expect(parseRefusal(row)).toMatchObject({ reason: 'not-owned', device: pump.id, repeats: 4 });
  });

  test('is entered anew for another reason, and when the device row has changed', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene, 'P1001', { notAfter: '2026-11-01T00:00:00Z' });
    await registerDevice(noticeOf(scene, pump), scene);
    await registerDevice({ ...noticeOf(scene, pump), authorityId: 'c'.repeat(64) }, scene);
    const device = parseDevice((await scene.registry.read([deviceKey(pump.id)]))[0] ?? {});
    scene.registry.seed(deviceKey(pump.id), markPending(device, NOW));
    await registerDevice(noticeOf(scene, pump), scene);
    const refusals = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'refused');
    expect(refusals.map(({ detail }) => [detail.reason, detail.inputs['deviceVersion']]).sort()).toEqual([
      ['authority-unknown', 1],
      ['certificate-expired', 1],
      ['certificate-expired', 2],
    ]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('is decided anew when a comparison was lost and nobody had refused it: its owner came meanwhile', async () => {
    const { scene, pump, run } = await unownedScene();
    scene.registry.beforeCommit(async () => {
      // Another worker enters the certificate row for another reason, and the device is claimed.
      await registerDevice({ ...noticeOf(scene, pump), authorityId: 'c'.repeat(64) }, scene);
      await own(scene, pump);
    });
    expect(await run()).toMatchObject({ outcome: 'done', value: { verdict: 'admitted' } });
    expect(kindsOf(scene, `refusal/${pump.certificateId}/not-owned/0`)).toEqual([]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('in two workers at once is one refusal with one repeat', async () => {
    const { scene, pump, run } = await unownedScene();
    scene.registry.beforeCommit(async () => {
      await run();
    });
    expect(await run()).toMatchObject({ refusal: { reason: 'not-owned' } });
    const [row] = await scene.registry.read([refusalKey(pump.certificateId, 'not-owned', 0)]);
    expect(row).toMatchObject({ repeats: 1 });
    expect(gapsIn(scene)).toEqual([]);
  });
});

async function unownedScene() {
  const scene = await makeScene();
  const pump = await listPump(scene);
  return { scene, pump, run: () => registerDevice(noticeOf(scene, pump), scene) };
}

/** A curable refusal: typed answer, one entry, no device touched, and a certificate that may wait, but not for ever. */
async function expectRefusal(scene: Scene, notice: Notice, reason: RefusalReason): Promise<void> {
  const devices = () => scene.registry.rows('devices').filter(({ pk }) => pk.startsWith('device#'));
  const before = devices();
  expect(await registerDevice(notice, scene)).toMatchObject({ outcome: 'refused', refusal: { reason } });
  expect(devices()).toEqual(before);
  expect(entriesOf(scene).filter(({ detail }) => detail.reason === reason)).toHaveLength(1);
  expect(REASONS[reason].kind).toBe('curable');
  const brokerPending = daysAfter(scene.clock.now(), scene.pendingDays);
  expect(await certificateRow(scene, notice.certificateId)).toMatchObject({ wanted: 'absent', brokerPending });
  expect(scene.alignments.calls).toEqual([]);
  expect(gapsIn(scene)).toEqual([]);
}
