// What does a first connect cost? Calls are quota, and quota is how fast a hospital comes up.
import crypto, { X509Certificate } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { findPath } from '../../../../shared/whitelist/formats/chain.ts';
import { anchorOf, makeDevice } from '../../../pki/certificates.ts';
import { awaitPump, listPump, makeScene, NOW, ownPump, type Scene } from '../../scene.ts';
import { arrivalOf, noticeOf, UNHURRIED } from './notices.ts';

test('a listed device costs two reads, one transaction and no call of the broker, admitted or refused', async () => {
  for (const prepare of [ownPump, listPump]) {
    const scene = await makeScene();
    const pump = await prepare(scene);
    const cost = watch(scene);
    await registerDevice(noticeOf(scene, pump), scene);
    expect(cost()).toEqual({ read: 2, commit: 1, broker: [] });
  }
});

test('a stranger costs two reads, one transaction and one read of the broker; a turn is drawn for the latter', async () => {
  const scene = await makeScene();
  const notice = arrivalOf(scene, await makeDevice(scene.authority, 'P6666'));
  const cost = watch(scene);
  await registerDevice(notice, { ...scene, quota: UNHURRIED });
  expect(cost()).toEqual({ read: 2, commit: 1, broker: ['findCertificate'] });
});

test('a clone costs what a stranger costs, and one read and one transaction more for the count against its CA', async () => {
  const scene = await makeScene();
  await listPump(scene);
  const notice = arrivalOf(scene, await makeDevice(scene.authority, 'P1001', { key: 'clone' }));
  const cost = watch(scene);
  await registerDevice(notice, { ...scene, quota: UNHURRIED });
  expect(cost()).toEqual({ read: 3, commit: 2, broker: ['findCertificate'] });
});

test('a first connect, admitted and opened, costs the broker one read and four changes', async () => {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  const notice = arrivalOf(scene, pump.party);
  const cost = watch(scene);
  await registerDevice(notice, scene);
  await alignDevice(pump.id, scene);
  expect(cost().broker).toEqual(['findCertificate', 'createThing', 'attachThing', 'attachPolicy', 'setStatus']);
  expect(scene.broker.connect(pump.certificateId, 'any')).toBe('connected');
});

describe('no signature of a stranger is checked', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  test('whoever it poses as', async () => {
    const scene = await makeScene();
    await listPump(scene);
    await awaitPump(scene, 'P5001');
    const strangers = [
      await makeDevice(scene.authority, 'P6666'),
      await makeDevice(scene.authority, 'P1001', { key: 'clone' }),
      await makeDevice(scene.authority, 'P1001', { key: 'CN=P1001', serialNumber: '0777' }),
      await makeDevice(scene.authority, 'P5001'),
    ];
    const checks = spyOnSignatures();
    for (const stranger of strangers) {
      scene.clock.advance(1000);
      await registerDevice(arrivalOf(scene, stranger), scene);
    }
    expect(checks()).toBe(0);
    // The same spies do see the check that an import makes.
    const [{ certificate } = { certificate: undefined }] = strangers;
    if (certificate === undefined) throw new Error('expected a stranger');
    const anchors = [anchorOf(scene.authority, 'authority')];
    findPath({ certificate, chain: [] }, { manufacturer: 'acme', anchors, now: NOW });
    expect(checks()).toBeGreaterThan(0);
  });
});

function spyOnSignatures(): () => number {
  const spies = [
    vi.spyOn(crypto, 'verify'),
    vi.spyOn(crypto, 'createVerify'),
    vi.spyOn(X509Certificate.prototype, 'verify'),
  ];
  syncBuiltinESMExports();
  return () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
}

/** Calls from now on. */
function watch({ registry, broker }: Scene) {
  const [from, first] = [registry.calls.length, broker.calls.length];
  return () => {
    const calls = registry.calls.slice(from);
    const count = (name: string) => calls.filter((call) => call === name).length;
    return { read: count('read'), commit: count('commit'), broker: broker.calls.slice(first) };
  };
}
