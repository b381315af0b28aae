// T053: does anybody notice when one certificate is used from two places, and what follows?
import { describe, expect, test } from 'vitest';

import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { watchSessions } from '../../../../functions/governance/watch-sessions/flow.ts';
import { ownerKey } from '../../../../shared/identity/owner.ts';
import { sessionKey } from '../../../../shared/governance/session.ts';
import type { OwnerWishes } from '../../../../shared/identity/owner.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { entriesOf, gapsIn, makeScene, OWNER, readDevice, type Scene } from '../../scene.ts';
import { issued, pumpAt, revokedIn } from '../at-work.ts';

const CURRENT = issued('b').certificateId;

interface Event {
  readonly client?: string;
  readonly certificateId?: string;
  readonly type?: string;
  readonly address?: string;
  readonly session?: string;
  readonly seconds?: number;
}

function eventOf(scene: Scene, event: Event = {}): string {
  const { client = 'acme-P1001', certificateId = CURRENT, type = 'connected', session = 's1' } = event;
  const { address = '10.0.0.1', seconds = 0 } = event;
  return JSON.stringify({
    clientId: client,
    principalIdentifier: certificateId,
    eventType: type,
    sessionIdentifier: session,
    ipAddress: address,
    timestamp: Date.parse(scene.clock.now()) + seconds * 1000,
  });
}

async function atWork(wishes: OwnerWishes = {}): Promise<Scene> {
  const scene = await makeScene();
  await pumpAt(scene, 'operational');
  scene.registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER, ...wishes });
  scene.alignments.requested.length = 0;
  return scene;
}

/** Answers what each event came to. */
async function pingPong(scene: Scene, times = 5): Promise<readonly string[]> {
  const signs: string[] = [];
  for (let index = 0; index < times; index += 1) {
    const address = index % 2 === 0 ? '10.0.0.1' : '198.51.100.7';
    const outcome = await watchSessions(eventOf(scene, { session: `s${index}`, seconds: index * 5, address }), scene);
    signs.push(outcome.outcome === 'done' ? outcome.value.sign : outcome.refusal.reason);
  }
  return signs;
}

const suspicions = (scene: Scene) => entriesOf(scene).filter(({ leaf }) => leaf.kind === 'clone-suspected');

describe('T053 one certificate at two addresses in turn', () => {
  test('rings an alarm, is recorded, and changes nothing for the device unless its owner wishes it', async () => {
    const scene = await atWork();
    const before = await readDevice(scene, 'acme-P1001');
    expect(await pingPong(scene)).toEqual(['none', 'none', 'none', 'none', 'suspected']);
    expect(await readDevice(scene, 'acme-P1001')).toEqual(before);
    expect(suspicions(scene)).toMatchObject([
      { detail: { device: 'acme-P1001', owner: OWNER, inputs: { certificateId: CURRENT } } },
    ]);
    expect(scene.alignments.requested).toEqual([]);
  });

  test.each([
    ['restrict', 'restricted', 'active'],
    ['cut', 'cut', 'inactive'],
  ] as const)('quarantines by the wish %s of its owner, at the level %s', async (onClone, level, shown) => {
    const scene = await atWork({ onClone });
    expect((await pingPong(scene)).at(-1)).toBe('quarantined');
    const device = await readDevice(scene, 'acme-P1001');
    expect(device).toMatchObject({ state: 'quarantined', level, cause: 'clone', from: 'operational' });
    expect(scene.alignments.requested).toEqual(['acme-P1001']);
    await alignDevice('acme-P1001', scene);
    expect((await scene.broker.findCertificate(CURRENT))?.status).toBe(shown.toUpperCase());
    expect(gapsIn(scene)).toEqual([]);
  });

  test('ends a certificate that was only offered, and says so on the list', async () => {
    const scene = await makeScene();
    await pumpAt(scene, 'renewing');
    scene.registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER, onClone: 'restrict' });
    await pingPong(scene);
    expect((await revokedIn(scene)).map(({ serial, reason }) => [serial, reason])).toEqual([
      [issued('c').serial, 'keyCompromise'],
    ]);
    expect(scene.alignments.requestedRevocations).toEqual([issued('c').certificateId]);
  });

  test('quarantines once: the next change of address finds it there', async () => {
    const scene = await atWork({ onClone: 'restrict' });
    expect((await pingPong(scene, 7)).slice(4)).toEqual(['quarantined', 'suspected', 'suspected']);
  });
});

describe('a certificate', () => {
  test('that is not one of the device is no sign of anything, and leaves nothing', async () => {
    const scene = await atWork();
    const stranger = eventOf(scene, { certificateId: 'f'.repeat(64) });
    expect(await watchSessions(stranger, scene)).toMatchObject({ value: { sign: 'unknown' } });
    expect(await watchSessions(eventOf(scene, { client: 'acme-P9' }), scene)).toMatchObject({
      value: { sign: 'unknown' },
    });
    expect(await scene.registry.read([sessionKey('acme-P1001'), sessionKey('acme-P9')])).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('of the factory speaks for its device too', async () => {
    const scene = await makeScene();
    const pump = await pumpAt(scene, 'registered');
    const event = eventOf(scene, { certificateId: pump.certificateId });
    expect(await watchSessions(event, scene)).toMatchObject({ value: { sign: 'none' } });
  });
});

test('an event that comes again, or late, says nothing', async () => {
  const scene = await atWork();
  const event = eventOf(scene, { seconds: 10 });
  await watchSessions(event, scene);
  expect(await watchSessions(event, scene)).toMatchObject({ value: { sign: 'late' } });
  expect(await watchSessions(eventOf(scene, { session: 's0' }), scene)).toMatchObject({ value: { sign: 'late' } });
});

test.each([
  ['no JSON', 'no'],
  ['another type', JSON.stringify({ eventType: 'subscribed' })],
  ['no session', JSON.stringify({ eventType: 'connected', clientId: 'a', principalIdentifier: 'b', timestamp: 1 })],
])('%s is refused', async (_title, body) => {
  expect(await watchSessions(body, await makeScene())).toMatchObject({ refusal: { reason: 'notice-malformed' } });
});

test('a client id that is no device id is refused before any key is made of it', async () => {
  const scene = await atWork();
  expect(await watchSessions(eventOf(scene, { client: 'a#b' }), scene)).toMatchObject({
    refusal: { reason: 'id-malformed' },
  });
});

test('neither row nor entry holds an address', async () => {
  const scene = await atWork();
  await pingPong(scene);
  expect(JSON.stringify([scene.registry.rows('devices'), scene.registry.rows('ledger')])).not.toContain('198.51.100.7');
});

test('whatever fails, lost or kept, the quarantine comes in the end, once', async () => {
  const prepare = async () => {
    const scene = await atWork({ onClone: 'restrict' });
    await pingPong(scene, 4);
    return { scene, last: eventOf(scene, { session: 'last', seconds: 25, address: '10.0.0.1' }) };
  };
  const learning = await prepare();
  const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });
  const points = await faultPoints(fakesOf(learning.scene), () => watchSessions(learning.last, learning.scene));
  for (const point of points) {
    const { scene, last } = await prepare();
    plan(fakesOf(scene), point);
    // The queue brings it again; a suspicion that was recorded asks again at the next change of address.
    await watchSessions(last, scene).catch(() => watchSessions(last, scene));
    await watchSessions(eventOf(scene, { session: 'next', seconds: 30, address: '198.51.100.7' }), scene);
    expect(await readDevice(scene, 'acme-P1001'), JSON.stringify(point)).toMatchObject({ state: 'quarantined' });
    expect(gapsIn(scene), JSON.stringify(point)).toEqual([]);
  }
});
