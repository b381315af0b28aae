// T049: what does a refusal leave when a call fails? The next notice or the sweep ends it, and no entry is missing or doubled.
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { sweepPending } from '../../../../functions/onboarding/align-broker/sweep.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { breakerCountKey, breakerKey } from '../../../../shared/whitelist/breaker.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { makeDevice } from '../../../pki/certificates.ts';
import { faultPoints, plan, type FaultPoint } from '../../every-fault.ts';
import { gapsIn, listPump, makeScene, NOW, stateOf, type Scene } from '../../scene.ts';
import { arrivalOf, UNHURRIED } from './notices.ts';

const fakesOf = ({ registry, alignments, broker }: Scene) => ({ registry, alignments, broker });

describe('T049 whichever call fails', () => {
  test('a refusal for good ends as if none had, but for what only counts', async () => {
    const points = await everyFault(cloneScene, 7);
    for (const [point, scene, id] of points) {
      expect(await revocationAsked(scene, id), JSON.stringify(point)).toBe(true);
    }
  });

  test('a revocation that is brought back ends as if none had', async () => {
    const points = await everyFault(returningScene, 5);
    for (const [point, scene, id] of points) {
      expect(await revocationAsked(scene, id), JSON.stringify(point)).toBe(true);
    }
  });

  test('a refusal for now ends as if none had', async () => {
    await everyFault(strangerScene, 4);
  });

  test('the breaker that a refusal opens is opened, and found, with its next certificate at the latest', async () => {
    const model = await floodScene();
    const points = await faultPoints(fakesOf(model.scene), model.run);
    for (const point of points) {
      const { scene, run, next } = await floodScene();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await run();
      await next();
      expect((await scene.registry.read([breakerKey(AUTHORITY(scene))]))[0], JSON.stringify(point)).toMatchObject({
        position: 'open',
        by: 'rule',
      });
      scene.clock.advance(60_000);
      await sweepPending(scene);
      expect(scene.alignments.requestedAuthorities).toContain(AUTHORITY(scene));
      expect(gapsIn(scene)).toEqual([]);
    }
  });
});

const AUTHORITY = ({ authority }: Scene) => authority.certificate.fingerprint;

interface Play {
  readonly scene: Scene;
  readonly id: string;
  readonly run: () => Promise<unknown>;
}

/** Runs the play with each fault, then again without; all of it must end as without any. */
async function everyFault(makePlay: () => Promise<Play>, least: number): Promise<[FaultPoint, Scene, string][]> {
  const model = await makePlay();
  const points = await faultPoints(fakesOf(model.scene), model.run);
  expect(points.length).toBeGreaterThanOrEqual(2 * least);
  const ends: [FaultPoint, Scene, string][] = [];
  for (const point of points) {
    const { scene, run, id } = await makePlay();
    plan(fakesOf(scene), point);
    await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
    await run();
    expect(decidedIn(scene), JSON.stringify(point)).toEqual(decidedIn(model.scene));
    expect(gapsIn(scene)).toEqual([]);
    ends.push([point, scene, id]);
  }
  return ends;
}

/** All but what decides nothing alone: repeats, and the count against a CA, which may miss one whose worker died. */
function decidedIn(scene: Scene) {
  const { devices, ...rest } = stateOf(scene);
  const count = breakerCountKey(AUTHORITY(scene));
  const rows = devices.filter(({ pk, sk }) => !(pk === count.pk && sk === count.sk));
  return { ...rest, devices: rows.map(({ row: { repeats, ...row }, ...key }) => ({ ...key, row })) };
}

/** By the worker itself, or a minute later by the sweep. */
async function revocationAsked(scene: Scene, id: string): Promise<boolean> {
  scene.clock.advance(60_000);
  await sweepPending(scene);
  return [...scene.alignments.requestedRevocations, ...scene.alignments.requestedCertificates].includes(id);
}

async function strangerScene(): Promise<Play> {
  const scene = await makeScene();
  const party = await makeDevice(scene.authority, 'P6666');
  return playOf(scene, party);
}

async function cloneScene(): Promise<Play> {
  const scene = await makeScene();
  await listPump(scene);
  return playOf(scene, await makeDevice(scene.authority, 'P1001', { key: 'clone' }));
}

/** Refused for good and revoked; then the broker took it in anew. */
async function returningScene(): Promise<Play> {
  const { scene, run, id } = await cloneScene();
  await run();
  await alignCertificate(id, scene);
  await scene.broker.deleteCertificate(id);
  scene.alignments.requestedRevocations.splice(0);
  scene.clock.advance(1000);
  return { scene, id, run };
}

function playOf(scene: Scene, party: Awaited<ReturnType<typeof makeDevice>>): Play {
  const world = { ...scene, quota: UNHURRIED };
  return { scene, id: party.certificate.fingerprint, run: () => registerDevice(arrivalOf(scene, party), world) };
}

/** Forty-nine were counted within this minute. */
async function floodScene() {
  const { scene, run } = await cloneScene();
  const count = { version: 49, since: NOW, certificates: 49 };
  scene.registry.seed(breakerCountKey(AUTHORITY(scene)), count);
  const another = await makeDevice(scene.authority, 'P1001', { key: 'another clone' });
  return { scene, run, next: playOf(scene, another).run };
}
