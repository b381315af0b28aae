// T051: when does a CA look stolen? Fifty certificates of it, refused for good within a minute.
import { beforeEach, describe, expect, test } from 'vitest';

import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { breakerCountKey, breakerKey, openBreaker, parseBreaker } from '../../../../shared/whitelist/breaker.ts';
import { makeAuthority, makeDevice, type Party } from '../../../pki/certificates.ts';
import { entriesOf, gapsIn, kindsOf, listPump, makeScene, NOW, trustAuthority, type Scene } from '../../scene.ts';
import { arrivalOf, UNHURRIED } from './notices.ts';

let scene: Scene;

beforeEach(async () => {
  scene = await makeScene();
  await listPump(scene);
});

describe('T051 the breaker of a CA', () => {
  test('is opened by the fiftieth clone of a minute, with its entry, and change-trust is asked to apply it', async () => {
    await connectAll(await clones(49), 1200);
    expect(await breakerOf(scene)).toBeUndefined();
    expect(scene.alignments.requestedAuthorities).toEqual([]);
    await connectAll([await clone(49)], 0);
    const since = scene.clock.now();
    expect(await breakerOf(scene)).toEqual({
      version: 1,
      authority: idOf(scene.authority),
      position: 'open',
      by: 'rule',
      since,
      brokerPending: since,
    });
    expect(kindsOf(scene, `breaker/${idOf(scene.authority)}`)).toEqual(['breaker-opened']);
    const opened = entriesOf(scene).find(({ leaf }) => leaf.kind === 'breaker-opened');
    expect(opened?.detail).toMatchObject({
      actor: { kind: 'step', step: 'register-device' },
      inputs: { authority: idOf(scene.authority), certificates: 50, since: NOW },
    });
    expect(scene.alignments.requestedAuthorities).toEqual([idOf(scene.authority)]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('is not opened by the same fifty spread over more than a minute', async () => {
    await connectAll(await clones(50), 1225);
    expect(await breakerOf(scene)).toBeUndefined();
  });

  test('is not opened by one certificate that comes a thousand times', async () => {
    const notice = arrivalOf(scene, await clone(0));
    for (let time = 0; time < 1000; time += 1) await registerDevice(notice, { ...scene, quota: UNHURRIED });
    expect(await breakerOf(scene)).toBeUndefined();
    expect(await scene.registry.read([breakerCountKey(idOf(scene.authority))])).toMatchObject([{ certificates: 1 }]);
  });

  test('is not opened by certificates that were refused for now, however many', async () => {
    const strangers = Array.from({ length: 60 }, (_none, index) => makeDevice(scene.authority, `P7${index}`));
    await connectAll(await Promise.all(strangers), 0);
    expect(entriesOf(scene).filter(({ detail }) => detail.reason === 'not-listed')).toHaveLength(60);
    expect(await breakerOf(scene)).toBeUndefined();
    expect(await scene.registry.read([breakerCountKey(idOf(scene.authority))])).toEqual([undefined]);
  });

  test('opens once: the fifty-first neither moves it nor puts off its end', async () => {
    await connectAll(await clones(53), 100);
    expect(await breakerOf(scene)).toMatchObject({ version: 1 });
    expect(scene.alignments.requestedAuthorities).toHaveLength(1);
    expect(kindsOf(scene, `breaker/${idOf(scene.authority)}`)).toEqual(['breaker-opened']);
  });

  test("that an operator opened stays the operator's", async () => {
    const authority = idOf(scene.authority);
    const breaker = openBreaker(undefined, { authority, by: 'operator', now: NOW });
    scene.registry.seed(breakerKey(authority), breaker ?? {});
    await connectAll(await clones(51), 0);
    expect(await breakerOf(scene)).toEqual(breaker);
  });

  test('of one CA says nothing of another: its certificates are counted apart', async () => {
    const other = await makeAuthority('Acme Second Root');
    trustAuthority(scene.registry, other);
    await connectAll(await clones(30), 0);
    const posing = Array.from({ length: 30 }, (_none, index) => makeDevice(other, 'P1001', { key: `second ${index}` }));
    await connectAll(await Promise.all(posing), 0, other);
    expect([await breakerOf(scene), await breakerOf(scene, other)]).toEqual([undefined, undefined]);
    await connectAll((await clones(50)).slice(30), 0);
    expect(await breakerOf(scene)).toMatchObject({ position: 'open' });
    expect(await breakerOf(scene, other)).toBeUndefined();
  });

  test('counts many clones that connect at the same moment, each of them', async () => {
    const notices = (await clones(20)).map((posing) => arrivalOf(scene, posing));
    await Promise.all(notices.map((notice) => registerDevice(notice, { ...scene, quota: UNHURRIED })));
    expect(await scene.registry.read([breakerCountKey(idOf(scene.authority))])).toMatchObject([{ certificates: 20 }]);
  });

  test('is not moved by a count that another worker was faster with twenty times: the refusal stands', async () => {
    const posing = await clone(0);
    const notice = arrivalOf(scene, posing);
    scene.registry.beforeCommit(() => undefined);
    for (let race = 0; race < 20; race += 1) scene.registry.beforeCommit(() => moveCount(scene));
    expect(await registerDevice(notice, { ...scene, quota: UNHURRIED })).toMatchObject({
      refusal: { reason: 'another-key' },
    });
    expect(kindsOf(scene, `refusal/${idOf(posing)}/another-key/0`)).toEqual(['refused']);
    // It was not counted: the breaker opens later than it could, never wrongly.
    expect(await scene.registry.read([breakerCountKey(idOf(scene.authority))])).toMatchObject([{ certificates: 0 }]);
  });
});

function clone(index: number): Promise<Party> {
  return makeDevice(scene.authority, 'P1001', { key: `clone ${index}` });
}

function clones(count: number): Promise<Party[]> {
  return Promise.all(Array.from({ length: count }, (_none, index) => clone(index)));
}

/** One after the other, so many milliseconds apart. */
async function connectAll(parties: readonly Party[], apartMs: number, ca = scene.authority): Promise<void> {
  for (const party of parties) {
    const notice = { ...arrivalOf(scene, party), authorityId: idOf(ca) };
    await registerDevice(notice, { ...scene, quota: UNHURRIED });
    scene.clock.advance(apartMs);
  }
}

async function breakerOf({ registry, authority }: Scene, ca = authority) {
  const [row] = await registry.read([breakerKey(idOf(ca))]);
  return row === undefined ? undefined : parseBreaker(row);
}

async function moveCount({ registry, authority }: Scene): Promise<void> {
  const key = breakerCountKey(idOf(authority));
  const [row] = await registry.read([key]);
  registry.seed(key, { since: NOW, certificates: 0, ...row, version: Number(row?.['version'] ?? 0) + 1 });
}

function idOf({ certificate }: Party): string {
  return certificate.fingerprint;
}
