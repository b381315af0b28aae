// What is wished of the certificate that was refused, and when is the wish brought back? The broker forgets and takes in
// anew; the row remembers.
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { registerDevice, type RegisterDeviceWorld } from '../../../../functions/onboarding/register-device/flow.ts';
import { revokedKey } from '../../../../shared/identity/revocation.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { markPending } from '../../../../shared/lifecycle-moves.ts';
import { makeDevice, type Party } from '../../../pki/certificates.ts';
import { gapsIn, kindsOf, listPump, makeScene, NOW, ownPump, readDevice, type Scene } from '../../scene.ts';
import { arrivalOf, certificateRow, daysAfter, noticeOf, UNHURRIED } from './notices.ts';

describe('a certificate that was refused for now', () => {
  test('waits for thirty days from its first refusal on, however often it comes', async () => {
    const { scene, id, connect } = await strangerScene();
    for (let day = 0; day < 5; day += 1) {
      await connect();
      scene.clock.advance(86_400_000);
    }
    expect(await certificateRow(scene, id)).toEqual({
      version: 1,
      certificateId: id,
      wanted: 'absent',
      brokerPending: daysAfter(NOW, 30),
    });
    expect(kindsOf(scene, `certificate/${id}`)).toEqual(['alignment-requested']);
    expect(scene.alignments.calls).toEqual([]);
  });

  test('waits as many days as the deployment says', async () => {
    const { scene, id, connect } = await strangerScene();
    await connect({ ...scene, pendingDays: 7 });
    expect(await certificateRow(scene, id)).toMatchObject({ brokerPending: daysAfter(NOW, 7) });
  });

  test('waits anew when it comes after the broker had forgotten it, as long as before', async () => {
    const { scene, id, connect } = await strangerScene();
    await connect();
    scene.clock.set(daysAfter(NOW, 30));
    expect(await alignCertificate(id, scene)).toBe('absent');
    scene.clock.advance(1000);
    await connect();
    expect(await certificateRow(scene, id)).toMatchObject({
      version: 3,
      wanted: 'absent',
      brokerPending: daysAfter(scene.clock.now(), 30),
    });
    expect(kindsOf(scene, `certificate/${id}`)).toEqual(['alignment-requested', 'aligned', 'alignment-requested']);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('for two reasons waits by its first', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    await registerDevice({ ...noticeOf(scene, pump), authorityId: 'c'.repeat(64) }, scene);
    scene.clock.advance(60_000);
    await registerDevice(noticeOf(scene, pump), scene);
    expect(await certificateRow(scene, pump.certificateId)).toMatchObject({
      version: 1,
      brokerPending: daysAfter(NOW, 30),
    });
  });
});

describe('a certificate that was refused for good', () => {
  test('and that the broker takes in anew is revoked anew', async () => {
    const { scene, id, connect } = await revokedScene();
    scene.clock.advance(60_000);
    await connect();
    expect(await certificateRow(scene, id)).toMatchObject({
      version: 3,
      wanted: 'revoked',
      brokerPending: scene.clock.now(),
    });
    expect(scene.alignments.requestedRevocations).toEqual([id, id]);
    expect(kindsOf(scene, `refusal/${id}/another-key/0`)).toEqual(['refused']);
    expect(kindsOf(scene, `certificate/${id}`)).toEqual(['alignment-requested', 'aligned', 'alignment-requested']);
    expect(await alignCertificate(id, scene)).toBe('revoked');
  });

  test.each([
    ['before', -1],
    ['in the very moment', 0],
  ])('is left by a straggler from %s it was seen to be revoked', async (_title, milliseconds) => {
    const { scene, id, connect, alignedAt } = await revokedScene();
    const before = await certificateRow(scene, id);
    scene.clock.advance(60_000);
    await connect(scene, new Date(Date.parse(alignedAt) + milliseconds).toISOString());
    expect(await certificateRow(scene, id)).toEqual(before);
    expect(scene.alignments.requestedRevocations).toEqual([id]);
  });

  test('is asked for once while it is pending', async () => {
    const { scene, id, connect } = await cloneScene();
    for (let time = 0; time < 3; time += 1) {
      await connect();
      scene.clock.advance(1000);
    }
    expect(await certificateRow(scene, id)).toMatchObject({ version: 1 });
    expect(scene.alignments.requestedRevocations).toEqual([id]);
  });

  test('is brought back by a refusal for now too: that wishes no less', async () => {
    const { scene, id, connect } = await revokedScene();
    scene.clock.advance(60_000);
    const before = await certificateRow(scene, id);
    const hurried = { ...scene, quota: { tryTurn: () => Promise.resolve(false) } };
    for (let time = 0; time < 2; time += 1) await connect(hurried);
    expect(kindsOf(scene, `refusal/${id}/not-listed/0`)).toEqual(['refused']);
    expect(before).toMatchObject({ wanted: 'revoked', version: 2 });
    expect(await certificateRow(scene, id)).toMatchObject({
      wanted: 'revoked',
      version: 3,
      brokerPending: scene.clock.now(),
    });
  });

  test('is brought back by one of two workers, with one entry and one request', async () => {
    const { scene, id, connect } = await revokedScene();
    scene.clock.advance(60_000);
    const world = { ...scene, quota: UNHURRIED };
    // The first commit meets the refusal that is there; the second brings the wish back.
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(async () => {
      await connect(world);
    });
    await connect(world);
    expect(await certificateRow(scene, id)).toMatchObject({ version: 3 });
    expect(kindsOf(scene, `certificate/${id}`)).toEqual(['alignment-requested', 'aligned', 'alignment-requested']);
    // At first, and once by the faster worker.
    expect(scene.alignments.requestedRevocations).toEqual([id, id]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('for two reasons is asked for once', async () => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const [link] = pump.listing.chain;
    if (link === undefined) throw new Error('expected a link');
    scene.registry.seed(revokedKey(link), { version: 1, revokedAt: NOW, list: 'd'.repeat(64) });
    await registerDevice(noticeOf(scene, pump), scene);
    const device = await readDevice(scene, pump.id);
    if (device !== undefined) scene.registry.seed(deviceKey(pump.id), markPending(device, NOW));
    await registerDevice(noticeOf(scene, pump), scene);
    for (const version of [1, 2])
      expect(kindsOf(scene, `refusal/${pump.certificateId}/certificate-revoked/${version}`)).toEqual(['refused']);
    expect(await certificateRow(scene, pump.certificateId)).toMatchObject({ version: 1, wanted: 'revoked' });
    expect(scene.alignments.requestedRevocations).toEqual([pump.certificateId]);
  });
});

async function strangerScene() {
  const scene = await makeScene();
  return certificateScene(scene, await makeDevice(scene.authority, 'P6666'));
}

async function cloneScene() {
  const scene = await makeScene();
  await listPump(scene);
  return certificateScene(scene, await makeDevice(scene.authority, 'P1001', { key: 'clone' }));
}

function certificateScene(scene: Scene, party: Party) {
  const connect = (world: RegisterDeviceWorld = scene, at = scene.clock.now()) =>
    registerDevice(arrivalOf(scene, party, at), world);
  return { scene, id: party.certificate.fingerprint, connect };
}

/** Refused for good, REVOKED at the broker, and then forgotten there. */
async function revokedScene() {
  const { scene, id, connect } = await cloneScene();
  await connect();
  scene.clock.advance(1000);
  await alignCertificate(id, scene);
  const alignedAt = scene.clock.now();
  await scene.broker.deleteCertificate(id);
  return { scene, id, connect, alignedAt };
}
