// What does the sweep ask for again, and of whom? Everything that was forgotten, each kind through its own queue.
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { sweepPending } from '../../../../functions/onboarding/align-broker/sweep.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { breakerCountKey, breakerKey, countCertificate, openBreaker } from '../../../../shared/whitelist/breaker.ts';
import { certificateKey, wish } from '../../../../shared/whitelist/certificate-row.ts';
import { listChip, makeScene, NOW, ownPump } from '../../scene.ts';

const CERTIFICATE = 'e'.repeat(64);
const AUTHORITY = 'c'.repeat(64);

describe('the sweep', () => {
  test('asks for devices that have been pending for a minute, and for no others', async () => {
    const scene = await makeScene();
    const first = await ownPump(scene, 'P1001');
    scene.clock.advance(1);
    await ownPump(scene, 'P1002');
    scene.clock.set('2026-11-24T12:01:00.000Z');
    expect(await sweepPending(scene)).toBe(1);
    expect(scene.alignments.requested).toEqual([first.id]);
  });

  test('asks for no device that has settled', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    await alignDevice(pump.id, scene);
    scene.clock.advance(3_600_000);
    expect(await sweepPending(scene)).toBe(0);
  });

  test('asks for certificates that have been pending for a minute, and for no settled ones', async () => {
    const scene = await makeScene();
    const [first, second] = [await listChip(scene, 'c1'), await listChip(scene, 'c2')];
    await alignCertificate(second.certificateId, scene);
    scene.clock.advance(59_999);
    expect(await sweepPending(scene)).toBe(0);
    scene.clock.advance(1);
    expect(await sweepPending(scene)).toBe(1);
    expect(scene.alignments.requestedCertificates).toEqual([first.certificateId]);
    expect(scene.alignments.requested).toEqual([]);
  });

  test('asks for a certificate that waits for activation only when its days are over', async () => {
    const scene = await makeScene();
    const since = '2026-12-24T12:00:00.000Z';
    const row = wish({ certificateId: CERTIFICATE, wanted: 'absent', since }, undefined);
    scene.registry.seed(certificateKey(CERTIFICATE), row);
    scene.clock.set('2026-12-24T12:00:59.999Z');
    expect(await sweepPending(scene)).toBe(0);
    scene.clock.advance(1);
    expect(await sweepPending(scene)).toBe(1);
    expect(scene.alignments.requestedCertificates).toEqual([CERTIFICATE]);
  });

  test('asks each kind of row through its own queue, and of a row of no kind nothing', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const revoked = wish({ certificateId: CERTIFICATE, wanted: 'revoked', since: NOW }, undefined);
    scene.registry.seed(certificateKey(CERTIFICATE), revoked);
    const breaker = openBreaker(undefined, { authority: AUTHORITY, by: 'rule', now: NOW });
    scene.registry.seed(breakerKey(AUTHORITY), breaker ?? {});
    scene.registry.seed(breakerCountKey(AUTHORITY), countCertificate(undefined, NOW));
    scene.registry.seed({ table: 'devices', pk: 'quota#broker', sk: 'row' }, { version: 1, brokerPending: NOW });
    scene.clock.advance(60_000);
    await sweepPending(scene);
    const { requested, requestedCertificates, requestedRevocations, requestedAuthorities } = scene.alignments;
    expect({ requested, requestedCertificates, requestedRevocations, requestedAuthorities }).toEqual({
      requested: [pump.id],
      requestedCertificates: [CERTIFICATE],
      requestedRevocations: [],
      requestedAuthorities: [AUTHORITY],
    });
  });

  test('takes the oldest 300: what the quotas let through in a minute', async () => {
    const scene = await makeScene();
    for (let device = 0; device < 500; device += 1) {
      const since = new Date(Date.parse('2026-11-24T10:00:00.000Z') + device).toISOString();
      scene.registry.seed(deviceKey(`acme-P${device}`), { version: 1, brokerPending: since });
    }
    expect(await sweepPending(scene)).toBe(300);
    expect(scene.alignments.requested[0]).toBe('acme-P0');
    expect(scene.alignments.requested.at(-1)).toBe('acme-P299');
  });

  test.each(['request', 'requestCertificate', 'requestAuthority'] as const)(
    'fails as a whole when the queue does, so that it is tried again: %s',
    async (on) => {
      const scene = await makeScene();
      await ownPump(scene);
      await listChip(scene);
      const breaker = openBreaker(undefined, { authority: AUTHORITY, by: 'rule', now: NOW });
      scene.registry.seed(breakerKey(AUTHORITY), breaker ?? {});
      scene.clock.advance(60_000);
      scene.alignments.failNext({ on, kept: false });
      await expect(sweepPending(scene)).rejects.toThrow('told to fail');
    },
  );
});
