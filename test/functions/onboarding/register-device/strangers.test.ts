// Whom does a certificate that nobody listed claim to be, and what becomes of it?
import { describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { clonesOf, parseClone } from '../../../../shared/whitelist/refusal.ts';
import { makeDevice, type Party } from '../../../pki/certificates.ts';
import {
  awaitPump,
  entriesOf,
  gapsIn,
  kindsOf,
  listPump,
  makeScene,
  NOW,
  ownPump,
  readDevice,
  trustAuthority,
  type Scene,
} from '../../scene.ts';
import { arrivalOf, certificateRow, noticeOf } from './notices.ts';

describe('T023 a stranger', () => {
  test('is refused, gets no policy and no thing, and stays pending', async () => {
    const { scene, pump } = await pumpScene();
    const stranger = await makeDevice(scene.authority, 'P6666');
    expect(await connect(scene, stranger)).toEqual({ reason: 'not-listed', certificateId: idOf(stranger) });
    const shown = await scene.broker.findCertificate(idOf(stranger));
    expect(shown?.status).toBe('PENDING_ACTIVATION');
    expect(await scene.broker.listPolicies(shown?.arn ?? '')).toEqual([]);
    expect(await scene.broker.listThings(shown?.arn ?? '')).toEqual([]);
    expect(scene.broker.changes).toEqual([]);
    expect(scene.alignments.calls).toEqual([]);
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'owned', version: 1 });
    expect(kindsOf(scene, `refusal/${idOf(stranger)}/not-listed/0`)).toEqual(['refused']);
    expect(await certificateRow(scene, idOf(stranger))).toMatchObject({ wanted: 'absent' });
  });

  test('under a CA that we never registered is not even looked at: without a maker a name means nothing', async () => {
    const { scene } = await pumpScene();
    const clone = await makeDevice(scene.authority, 'P1001', { key: 'clone' });
    const notice = { ...arrivalOf(scene, clone), authorityId: 'c'.repeat(64) };
    expect(await registerDevice(notice, scene)).toMatchObject({ refusal: { reason: 'not-listed' } });
    expect(scene.broker.calls).toEqual([]);
  });

  test('whose certificate cannot be read is a stranger', async () => {
    const { scene } = await pumpScene();
    const certificateId = 'e'.repeat(64);
    scene.broker.seed(certificateId, 'PENDING_ACTIVATION', { pem: 'no certificate' });
    expect(await registerDevice(noticeOf(scene, { certificateId }), scene)).toMatchObject({
      refusal: { reason: 'not-listed' },
    });
  });

  test('for whom the broker shows another certificate is a fault: nothing is decided from it', async () => {
    const { scene, pump } = await pumpScene();
    const certificateId = 'e'.repeat(64);
    scene.broker.seed(certificateId, 'PENDING_ACTIVATION', { pem: pump.party.pem });
    await expect(registerDevice(noticeOf(scene, { certificateId }), scene)).rejects.toMatchObject({
      code: 'answer-malformed',
    });
  });
});

describe('T024 T052 another key under a known serial number', () => {
  test('is refused for good, and asks for its revocation; the genuine device stays as it is', async () => {
    const { scene, pump } = await pumpScene();
    const before = scene.registry.rows('devices').filter(({ pk, sk }) => pk === `device#${pump.id}` && sk === 'row');
    const clone = await makeDevice(scene.authority, 'P1001', { key: 'clone' });
    expect(await connect(scene, clone)).toEqual({ reason: 'another-key', device: pump.id, got: idOf(clone) });
    expect(await certificateRow(scene, idOf(clone))).toEqual({
      version: 1,
      certificateId: idOf(clone),
      wanted: 'revoked',
      brokerPending: NOW,
    });
    expect(scene.alignments.requestedRevocations).toEqual([idOf(clone)]);
    expect(scene.alignments.requested).toEqual([]);
    const after = scene.registry.rows('devices').filter(({ pk, sk }) => pk === `device#${pump.id}` && sk === 'row');
    expect(after).toEqual(before);
    expect(await registerDevice(noticeOf(scene, pump), scene)).toMatchObject({ value: { verdict: 'admitted' } });
  });

  test('is shown under the device whose name it took, with one entry, however often it comes', async () => {
    const { scene, pump } = await pumpScene();
    const clone = await makeDevice(scene.authority, 'P1001', { key: 'clone' });
    for (let time = 0; time < 3; time += 1) {
      await connect(scene, clone);
      scene.clock.advance(1000);
    }
    const rows = await scene.registry.list('devices', clonesOf(pump.id).pk, '');
    expect(rows.map(parseClone)).toEqual([{ version: 1, certificateId: idOf(clone), at: NOW }]);
    expect(kindsOf(scene, `refusal/${idOf(clone)}/another-key/0`)).toEqual(['refused']);
    expect(kindsOf(scene, `certificate/${idOf(clone)}`)).toEqual(['alignment-requested']);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('is a clone also where nobody owns the device yet, or it still waits for its certificate', async () => {
    const scene = await makeScene();
    const [listed, awaited] = [(await listPump(scene, 'P2001')).id, await awaitPump(scene, 'P5001')];
    for (const [serial, device] of [
      ['P2001', listed],
      ['P5001', awaited],
    ] as const) {
      scene.clock.advance(1000);
      expect(await connect(scene, await makeDevice(scene.authority, serial, { key: 'clone' }))).toMatchObject({
        reason: 'another-key',
        device,
      });
    }
  });

  test('of a device that has its own listed key is a clone of the one it names', async () => {
    const { scene, pump } = await pumpScene();
    const other = await listPump(scene, 'P1002');
    const posing = await makeDevice(scene.authority, 'P1001', { key: 'CN=P1002' });
    expect(posing.certificate.keyFingerprint).toBe(other.listing.keyFingerprint);
    expect(await connect(scene, posing)).toMatchObject({ reason: 'another-key', device: pump.id });
  });

  test('means a serial number of the same maker: another maker may use it as well', async () => {
    const { scene } = await pumpScene();
    const bravo = scene.authority;
    trustAuthority(scene.registry, bravo, 'bravo');
    const stranger = await makeDevice(bravo, 'P1001', { key: 'of bravo' });
    expect(await connect(scene, stranger)).toMatchObject({ reason: 'not-listed' });
  });
});

describe('the key of a listed device', () => {
  test('T020 in another certificate is refused, curably, and named, however the serial number is spelled', async () => {
    const { scene, pump } = await pumpScene();
    for (const serial of ['P1001', 'p1001', 'P9999']) {
      scene.clock.advance(1000);
      const renewed = await makeDevice(scene.authority, serial, { key: 'CN=P1001', serialNumber: '0777' });
      expect(renewed.certificate.keyFingerprint).toBe(pump.listing.keyFingerprint);
      expect(await connect(scene, renewed)).toEqual({
        reason: 'another-certificate',
        device: pump.id,
        got: idOf(renewed),
      });
      expect(await certificateRow(scene, idOf(renewed))).toMatchObject({ wanted: 'absent' });
    }
    expect(scene.alignments.calls).toEqual([]);
  });

  test('whose certificate no manifest has brought yet is refused, curably: it waits for one', async () => {
    const scene = await makeScene();
    const device = await awaitPump(scene, 'P5001');
    const awaited = await makeDevice(scene.authority, 'P5001');
    expect(await connect(scene, awaited)).toEqual({ reason: 'certificate-absent', device });
    expect(await certificateRow(scene, idOf(awaited))).toMatchObject({ wanted: 'absent' });
  });
});

test('T042 refuses a hand-made notice of a certificate that the broker does not know', async () => {
  const { scene } = await pumpScene();
  const certificateId = '0'.repeat(64);
  const answer = await registerDevice(noticeOf(scene, { certificateId }), scene);
  expect(answer).toEqual({ outcome: 'refused', refusal: { reason: 'certificate-unknown', certificateId } });
});

test.each([
  ['T056 a variable of IoT policies', '${iot:ClientId}'],
  ['T056 a variable behind a listed serial number', 'P1001${iot:ClientId}'],
  // As RFC 4514 2.4 writes a line feed.
  ['T034 a line feed and a listed serial number', String.raw`x\0ACN=P1001`],
  ['T034 a listed serial number and a line feed', String.raw`P1001\0A`],
  ['T034 two names', 'P6666, CN=P1001'],
  ['T034 two names, the listed one first', 'P1001, CN=P6666'],
  ['T034 two names in one part', 'P1001+CN=P6666'],
  ['T034 a listed serial number and a space', 'P1001\\ '],
])('%s as a name names nobody', async (_title, name) => {
  const { scene, pump } = await pumpScene();
  const before = await readDevice(scene, pump.id);
  const posing = await makeDevice(scene.authority, name, { key: 'posing' });
  expect(await connect(scene, posing)).toEqual({ reason: 'not-listed', certificateId: idOf(posing) });
  expect(await scene.registry.list('devices', clonesOf(pump.id).pk, '')).toEqual([]);
  expect(await readDevice(scene, pump.id)).toEqual(before);
  expect(JSON.stringify(entriesOf(scene))).not.toContain('iot:ClientId');
});

describe('strangers take no turns from those who are listed:', () => {
  test('without a turn at hand the broker is not asked, and the clone is a stranger for now', async () => {
    const { scene } = await pumpScene();
    const clone = await makeDevice(scene.authority, 'P1001', { key: 'clone' });
    await scene.quota.awaitTurn();
    expect(await connect(scene, clone)).toMatchObject({ reason: 'not-listed' });
    expect(scene.broker.calls).toEqual([]);
    expect(scene.clock.pauses).toEqual([]);
    // Its next connect asks again, and a refusal for good takes the place of the wait.
    scene.clock.advance(1000);
    expect(await connect(scene, clone)).toMatchObject({ reason: 'another-key' });
    expect(await certificateRow(scene, idOf(clone))).toMatchObject({ version: 2, wanted: 'revoked' });
    expect(kindsOf(scene, `certificate/${idOf(clone)}`)).toEqual(['alignment-requested', 'alignment-requested']);
  });
});

async function pumpScene() {
  const scene = await makeScene();
  return { scene, pump: await ownPump(scene) };
}

async function connect(scene: Scene, party: Party) {
  const answer = await registerDevice(arrivalOf(scene, party), scene);
  return answer.outcome === 'refused' ? answer.refusal : undefined;
}

function idOf({ certificate }: Party): string {
  return certificate.fingerprint;
}
