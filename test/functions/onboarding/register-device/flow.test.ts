// Which devices does `register-device` admit, and what does every answer leave behind?
import { describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { deviceKey, type OwnedDevice } from '../../../../shared/lifecycle.ts';
import { markAligned, register } from '../../../../shared/lifecycle-moves.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import { entriesOf, kindsOf, listPump, makeScene, NOW, OWNER, ownPump, readDevice, stateOf } from '../../scene.ts';
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
        event: 'registration',
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
    // Claimed; admitted, or refused with the wish that it may not wait for ever.
    expect(entriesOf(scene)).toHaveLength(said === 'admitted' ? 2 : 3);
  });
});

describe('T029 an issuer between the device and the anchor', () => {
  test.each([
    ['is valid to its last moment', '2030-01-01T00:00:00.000Z', 'admitted'],
    ['is not valid a second later', '2030-01-01T00:00:01.000Z', 'issuer-not-valid'],
    ['is not valid a second before its time', '2026-11-24T11:59:59.000Z', 'issuer-not-valid'],
  ])('%s (%s): %s', async (_name, now, said) => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const [own] = pump.listing.chain;
    const above = { issuerKey: 'f'.repeat(64), serial: '22', notBefore: NOW, notAfter: '2030-01-01T00:00:00.000Z' };
    scene.registry.seed(listingKey(pump.certificateId), { ...pump.listing, chain: [own, above] });
    scene.clock.set(now);
    const answer = await registerDevice(noticeOf(scene, pump, now), scene);
    expect(answer.outcome === 'done' ? answer.value.verdict : answer.refusal.reason).toBe(said);
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
