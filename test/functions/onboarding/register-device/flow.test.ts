// Which devices does `register-device` admit, and what does every answer leave behind?
import { describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import {
  deviceKey,
  markAligned,
  markPending,
  parseDevice,
  register,
  type OwnedDevice,
} from '../../../../shared/lifecycle.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
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
  OWNER,
  ownPump,
  readDevice,
  stateOf,
  trustAuthority,
} from '../../scene.ts';
import { noticeOf } from './notices.ts';

describe('admission', () => {
  test('admits an owned device, with its entry in the same transaction, and asks for its alignment', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const answer = await registerDevice(noticeOf(scene, pump), scene);
    expect(answer).toEqual({ outcome: 'done', value: { device: pump.id, verdict: 'admitted' } });
    expect(await readDevice(scene, pump.id)).toMatchObject({
      state: 'registered',
      version: 2,
      owner: OWNER,
      brokerPending: NOW,
    });
    expect(scene.registry.committed.at(-1)).toHaveLength(2);
    expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed', 'admitted']);
    expect(scene.alignments.requested).toEqual([pump.id]);
  });

  test('writes into the entry what was decided on, so that an auditor can repeat it', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    await registerDevice(noticeOf(scene, pump), scene);
    const { provenance, issuer, notBefore, notAfter } = pump.listing;
    expect(entriesOf(scene).find(({ leaf }) => leaf.kind === 'admitted')?.detail).toEqual({
      actor: { kind: 'certificate', certificateId: pump.certificateId },
      decision: 'done',
      owner: OWNER,
      device: pump.id,
      inputs: {
        certificateId: pump.certificateId,
        authorityId: scene.authority.certificate.fingerprint,
        connectedAt: NOW,
        deviceVersion: 1,
        listing: { device: pump.id, issuer, notBefore, notAfter, manifest: provenance.manifest, line: provenance.line },
      },
      requestId: 'request-1',
    });
  });

  test.each([
    ['notAfter', '2036-01-01T00:00:00.000Z', 'admitted'],
    ['notAfter + 1 s', '2036-01-01T00:00:01.000Z', 'certificate-expired'],
    ['notBefore', '2026-01-01T00:00:00.000Z', 'admitted'],
    ['notBefore - 1 s', '2025-12-31T23:59:59.000Z', 'certificate-not-yet-valid'],
  ])('T029 at %s (%s) answers %s', async (_name, now, said) => {
    const scene = await makeScene();
    const pump = await ownPump(scene, 'P1001', { notBefore: '2026-01-01T00:00:00Z', notAfter: '2036-01-01T00:00:00Z' });
    scene.clock.set(now);
    const answer = await registerDevice(noticeOf(scene, pump), scene);
    expect(answer.outcome === 'done' ? answer.value.verdict : answer.refusal.reason).toBe(said);
    expect(entriesOf(scene)).toHaveLength(2);
  });
});

describe('refusal', () => {
  test('T023 refuses a certificate that no whitelist row lists, and touches no other device', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const stranger = await makeDevice(scene.authority, 'P6666');
    await expectRefusal(scene, noticeOf(scene, { certificateId: stranger.certificate.fingerprint }), 'not-listed');
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 1 });
  });

  test('T024 refuses another key under a listed serial number, and the genuine device stays as it is', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const before = await readDevice(scene, pump.id);
    const clone = await makeDevice(scene.authority, 'P1001', { key: 'clone' });
    await expectRefusal(scene, noticeOf(scene, { certificateId: clone.certificate.fingerprint }), 'not-listed');
    expect(await readDevice(scene, pump.id)).toEqual(before);
    expect(await registerDevice(noticeOf(scene, pump), scene)).toMatchObject({ value: { verdict: 'admitted' } });
  });

  test('T042 refuses a hand-made notice whose certificate id the whitelist does not know', async () => {
    const scene = await makeScene();
    await ownPump(scene);
    await expectRefusal(scene, noticeOf(scene, { certificateId: '0'.repeat(64) }), 'not-listed');
  });

  test('T041 refuses a certificate under a CA that is not in our registry', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    await expectRefusal(scene, { ...noticeOf(scene, pump), authorityId: 'c'.repeat(64) }, 'authority-unknown');
  });

  test('T041 refuses a certificate under another of our CAs than its listing names', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const other = await makeAuthority('Bravo Root');
    trustAuthority(scene.registry, other, 'bravo');
    const notice = { ...noticeOf(scene, pump), authorityId: other.certificate.fingerprint };
    await expectRefusal(scene, notice, 'authority-differs');
  });

  test('refuses a listed device that nobody owns', async () => {
    const scene = await makeScene();
    await expectRefusal(scene, noticeOf(scene, await listPump(scene)), 'not-owned');
  });

  test('T014 refuses a held listing, whatever else is true of it', async () => {
    const scene = await makeScene();
    const pump = await holdPump(scene);
    await expectRefusal(scene, noticeOf(scene, pump), 'listing-held');
    await own(scene, pump);
    scene.clock.advance(1);
    expect(await registerDevice(noticeOf(scene, pump), scene)).toMatchObject({ refusal: { reason: 'listing-held' } });
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 1 });
  });

  test('refuses a listing whose device row belongs to another certificate', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const other = await makeDevice(scene.authority, 'P1001', { key: 'other' });
    const { fingerprint } = other.certificate;
    scene.registry.seed(listingKey(fingerprint), { ...pump.listing, fingerprint });
    await expectRefusal(scene, noticeOf(scene, { certificateId: fingerprint }), 'not-listed');
  });

  test('refuses a listing that stands under another certificate id than its own', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    scene.registry.seed(listingKey('e'.repeat(64)), pump.listing);
    const device = (await readDevice(scene, pump.id)) ?? {};
    scene.registry.seed(deviceKey(pump.id), { ...device, factoryCertificate: 'e'.repeat(64) });
    await expectRefusal(scene, noticeOf(scene, { certificateId: 'e'.repeat(64) }), 'not-listed');
  });

  test('enters a refusal once, and counts its repeats', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    for (let connect = 0; connect < 5; connect += 1) await registerDevice(noticeOf(scene, pump), scene);
    expect(entriesOf(scene)).toHaveLength(1);
    expect(scene.registry.rows('devices').map(({ row }) => row['repeats'])).toEqual([4]);
  });

  test('enters a refusal anew for another reason, and when the device row has changed', async () => {
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
});

describe('notices that come again', () => {
  test.each(['ACTIVE', 'INACTIVE', 'REVOKED', 'PENDING_TRANSFER', ''])(
    'T043 ignores a certificate with status "%s"',
    async (status) => {
      const scene = await makeScene();
      const pump = await ownPump(scene);
      const before = stateOf(scene);
      const answer = await registerDevice({ ...noticeOf(scene, pump), status }, scene);
      expect(answer).toEqual({ outcome: 'done', value: { device: '', verdict: 'ignored' } });
      expect(stateOf(scene)).toEqual(before);
      expect(scene.alignments.requested).toEqual([]);
    },
  );

  test('T047 admits once, however often the same notice comes: 1,000 times, 50 in parallel', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const notice = noticeOf(scene, pump);
    for (let batch = 0; batch < 20; batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => registerDevice(notice, scene)));
    }
    expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed', 'admitted']);
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'registered', version: 2 });
  });

  test('T048 changes nothing for a straggler from before the broker was last seen to match', async () => {
    const { scene, pump } = await registeredScene();
    const before = stateOf(scene);
    const answer = await registerDevice(noticeOf(scene, pump, '2026-11-24T12:00:05.000Z'), scene);
    expect(answer).toEqual({ outcome: 'done', value: { device: pump.id, verdict: 'repeated' } });
    expect(stateOf(scene)).toEqual(before);
    expect(scene.alignments.requested).toEqual([]);
  });

  test('T048 ends in the same state whichever of two notices comes first', async () => {
    const times = ['2026-11-24T11:59:00.000Z', '2026-11-24T11:59:30.000Z'];
    const ends = await Promise.all(
      [times, times.toReversed()].map(async (order) => {
        const scene = await makeScene();
        const pump = await ownPump(scene);
        for (const time of order) await registerDevice(noticeOf(scene, pump, time), scene);
        return { device: await readDevice(scene, pump.id), kinds: kindsOf(scene, `device/${pump.id}`) };
      }),
    );
    expect(ends[0]).toEqual(ends[1]);
  });

  test('asks for alignment when an admitted device is announced again after the broker matched', async () => {
    const { scene, pump } = await registeredScene();
    scene.clock.set('2026-11-24T13:00:00.000Z');
    await registerDevice(noticeOf(scene, pump, '2026-11-24T12:59:59.000Z'), scene);
    expect(await readDevice(scene, pump.id)).toMatchObject({ version: 4, brokerPending: '2026-11-24T13:00:00.000Z' });
    expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['alignment-requested']);
    expect(scene.alignments.requested).toEqual([pump.id]);
    // While it is pending, a further notice only asks again.
    await registerDevice(noticeOf(scene, pump, '2026-11-24T13:00:00.000Z'), scene);
    expect(await readDevice(scene, pump.id)).toMatchObject({ version: 4 });
    expect(scene.alignments.requested).toEqual([pump.id, pump.id]);
  });
});

/** Admitted and aligned: version 3, broker seen to match five seconds after NOW. */
async function registeredScene() {
  const scene = await makeScene();
  const pump = await listPump(scene);
  const owned: OwnedDevice = {
    state: 'owned',
    id: pump.id,
    version: 1,
    owner: OWNER,
    epoch: 1,
    manufacturer: 'acme',
    path: 'jitr',
    factoryCertificate: pump.certificateId,
    proof: 'claim',
  };
  scene.registry.seed(deviceKey(pump.id), markAligned(register(owned, NOW), '2026-11-24T12:00:05.000Z'));
  return { scene, pump };
}

type Made = Awaited<ReturnType<typeof makeScene>>;

/** A refusal: typed answer, exactly one entry, no device row touched, nothing asked of the broker. */
async function expectRefusal(scene: Made, notice: Parameters<typeof registerDevice>[0], reason: string) {
  const devices = () => scene.registry.rows('devices').filter(({ pk }) => pk.startsWith('device#'));
  const before = { devices: devices(), entries: entriesOf(scene).length };
  const answer = await registerDevice(notice, scene);
  expect(answer).toMatchObject({ outcome: 'refused', refusal: { reason } });
  expect(devices()).toEqual(before.devices);
  expect(entriesOf(scene)).toHaveLength(before.entries + 1);
  expect(entriesOf(scene).filter(({ detail }) => detail.reason === reason)).toHaveLength(1);
  expect(scene.alignments.requested).toEqual([]);
}
