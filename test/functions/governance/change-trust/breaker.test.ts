// T051: does the broker do what a breaker wishes, who opens and closes it, and does an operator's word stand?
import { describe, expect, test } from 'vitest';

import { alignAuthority } from '../../../../functions/governance/change-trust/breaker.ts';
import { changeTrust } from '../../../../functions/governance/change-trust/flow.ts';
import { answerRequest } from '../../../../functions/governance/change-trust/request.ts';
import { sweepPending } from '../../../../functions/onboarding/align-broker/sweep.ts';
import { recordEntry, STREAMS } from '../../../../shared/ledger/entry.ts';
import { breakerKey, openBreaker, parseBreaker } from '../../../../shared/whitelist/breaker.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  APPROVER,
  AUDIENCE,
  entriesOf,
  gapsIn,
  kindsOf,
  makeScene,
  NOW,
  PRINCIPAL,
  stateOf,
  timelessStateOf,
  trustAuthority,
  type Scene,
} from '../../scene.ts';

const QUARTER_HOUR = 15 * 60_000;

describe('T051 a breaker that the rule opened', () => {
  test('is applied by the queue: no new certificate enters, and the ledger says so', async () => {
    const { scene, authority } = await ruleScene();
    expect(await ask(scene, authority)).toEqual({ outcome: 'done', value: { authority, registration: 'stopped' } });
    expect(scene.authorities.isOpen(authority)).toBe(false);
    expect(await scene.authorities.isRegistered(authority)).toBe(true);
    expect(kindsOf(scene, `breaker/${authority}`)).toEqual(['breaker-opened', 'aligned']);
    expect(await breakerIn(scene, authority)).toMatchObject({ version: 2, alignedAt: NOW });
  });

  test('closes by itself after a quarter of an hour, and the sweep is what finds it', async () => {
    const { scene, authority } = await ruleScene();
    await ask(scene, authority);
    scene.clock.advance(QUARTER_HOUR - 1);
    expect(await ask(scene, authority)).toMatchObject({ value: { registration: 'settled' } });
    expect(scene.authorities.isOpen(authority)).toBe(false);
    scene.clock.advance(60_001);
    await sweepPending(scene);
    expect(scene.alignments.requestedAuthorities).toEqual([authority]);
    expect(await ask(scene, authority)).toMatchObject({ value: { registration: 'open' } });
    expect(scene.authorities.isOpen(authority)).toBe(true);
    expect(kindsOf(scene, `breaker/${authority}`)).toEqual(['breaker-opened', 'aligned', 'breaker-closed', 'aligned']);
    expect(await breakerIn(scene, authority)).toMatchObject({ position: 'closed', by: 'rule' });
    expect(await scene.registry.pendingAlignments('2027-01-01T00:00:00.000Z', 10)).toEqual([]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('is taken over by an operator, and then closes by an operator only', async () => {
    const { scene, authority } = await ruleScene();
    await ask(scene, authority);
    expect(await act(scene, 'open-breaker')).toMatchObject({ value: { result: 'changed' } });
    await ask(scene, authority);
    scene.clock.advance(24 * 60 * 60_000);
    expect(await ask(scene, authority)).toMatchObject({ value: { registration: 'settled' } });
    expect(scene.authorities.isOpen(authority)).toBe(false);
  });

  test('is closed by an operator before its time', async () => {
    const { scene, authority } = await ruleScene();
    await ask(scene, authority);
    await act(scene, 'close-breaker');
    expect(await ask(scene, authority)).toMatchObject({ value: { registration: 'open' } });
    expect(scene.authorities.isOpen(authority)).toBe(true);
  });
});

describe('T051 an operator', () => {
  test('opens and closes a breaker by the certificate of its CA; each is an entry with the principal', async () => {
    const { scene, authority } = await quietScene();
    expect(await act(scene, 'open-breaker')).toEqual({
      outcome: 'done',
      value: { result: 'changed', fingerprint: authority },
    });
    expect(scene.alignments.requestedAuthorities).toEqual([authority]);
    await ask(scene, authority);
    expect(scene.authorities.isOpen(authority)).toBe(false);
    await act(scene, 'close-breaker');
    await ask(scene, authority);
    expect(scene.authorities.isOpen(authority)).toBe(true);
    expect(kindsOf(scene, `breaker/${authority}`)).toEqual(['breaker-opened', 'aligned', 'breaker-closed', 'aligned']);
    const acted = entriesOf(scene).filter(({ leaf }) => leaf.kind !== 'aligned');
    expect(acted.map(({ detail }) => detail.actor)).toEqual([
      { kind: 'iam', principal: PRINCIPAL },
      { kind: 'iam', principal: PRINCIPAL },
    ]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test.each([
    ['opens what is open', ['open-breaker', 'open-breaker']],
    ['closes what was never open', ['close-breaker']],
    ['closes what is closed', ['open-breaker', 'close-breaker', 'close-breaker']],
  ] as const)('who %s changes nothing', async (_title, kinds) => {
    const { scene } = await quietScene();
    for (const kind of kinds.slice(0, -1)) await act(scene, kind);
    const before = { state: stateOf(scene), asked: scene.alignments.requestedAuthorities.length };
    expect(await act(scene, kinds.at(-1) ?? '')).toMatchObject({ value: { result: 'unchanged' } });
    expect({ state: stateOf(scene), asked: scene.alignments.requestedAuthorities.length }).toEqual(before);
  });

  test('is refused for a CA that is not registered, and by what is no certificate hash', async () => {
    const { scene } = await quietScene();
    expect(await act(scene, 'open-breaker', 'e'.repeat(64))).toMatchObject({
      refusal: { reason: 'authority-unknown' },
    });
    expect(await act(scene, 'open-breaker', 'E'.repeat(64))).toMatchObject({
      refusal: { reason: 'request-malformed' },
    });
    expect(scene.registry.rows('devices')).toEqual([]);
  });

  test('T022 moves a breaker, and an approver does not', async () => {
    const { scene, authority } = await quietScene();
    for (const kind of ['open-breaker', 'close-breaker']) {
      const event = requestAct(APPROVER, { kind, authority }, { audience: AUDIENCE, now: NOW });
      const world = { ...scene, requestId: kind };
      expect(await changeTrust(event, world)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    }
    expect(scene.registry.rows('devices')).toEqual([]);
  });

  test('who is slower than another is told by a fault', async () => {
    const { scene } = await quietScene();
    scene.registry.beforeCommit(async () => {
      await act(scene, 'open-breaker');
    });
    await expect(act(scene, 'open-breaker')).rejects.toMatchObject({ code: 'comparison-lost' });
  });
});

describe('a breaker that moves while it is applied', () => {
  test('is applied again: the last word is what the broker does', async () => {
    const { scene, authority } = await ruleScene();
    scene.registry.beforeCommit(async () => {
      await act(scene, 'close-breaker');
    });
    expect(await ask(scene, authority)).toMatchObject({ value: { registration: 'open' } });
    expect(scene.authorities.isOpen(authority)).toBe(true);
    expect(kindsOf(scene, `breaker/${authority}`)).toEqual(['breaker-opened', 'breaker-closed', 'aligned']);
  });

  test('five times in a row is a fault, and stays pending', async () => {
    const { scene, authority } = await ruleScene();
    // The first commit takes the lease.
    scene.registry.beforeCommit(() => undefined);
    for (let race = 0; race < 5; race += 1) scene.registry.beforeCommit(() => move(scene, authority));
    await expect(ask(scene, authority)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await breakerIn(scene, authority)).toHaveProperty('brokerPending');
  });
});

test('T051 whoever names a CA again does not bring back what its breaker has stopped', async () => {
  const { scene, authority } = await quietScene();
  await act(scene, 'open-breaker');
  await ask(scene, authority);
  const again = { kind: 'add-authority', manufacturer: 'acme', certificate: scene.authority.pem };
  const event = requestAct(PRINCIPAL, again, { audience: AUDIENCE, now: scene.clock.now() });
  expect(await changeTrust(event, scene)).toMatchObject({ value: { result: 'unchanged' } });
  expect(scene.authorities.isOpen(authority)).toBe(false);
});

test('T051 the breaker of one CA changes no other', async () => {
  const { scene, authority } = await ruleScene();
  const other = await makeAuthority('Acme Second Root');
  trustAuthority(scene.registry, other);
  await scene.authorities.register(other.pem);
  await ask(scene, authority);
  expect(scene.authorities.isOpen(other.certificate.fingerprint)).toBe(true);
  expect(await ask(scene, other.certificate.fingerprint)).toMatchObject({ value: { registration: 'settled' } });
});

describe('T049 whichever call fails', () => {
  test.each<[string, (scene: Scene, authority: string) => Promise<unknown>]>([
    ['an opening by an operator', (scene) => act(scene, 'open-breaker')],
    ['an application', ask],
    ['a closing by rule', close],
  ])('%s ends as if none had', async (title, run) => {
    const make = title === 'an opening by an operator' ? quietScene : ruleScene;
    const model = await make();
    const points = await faultPoints(fakesOf(model.scene), () => run(model.scene, model.authority));
    expect(points.length).toBeGreaterThanOrEqual(6);
    for (const point of points) {
      const { scene, authority } = await make();
      plan(fakesOf(scene), point);
      await expect(run(scene, authority), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      // Another worker, once the lease of the dead one is over.
      scene.clock.advance(60_000);
      await run(scene, authority);
      expect(timelessStateOf(scene), JSON.stringify(point)).toEqual(timelessStateOf(model.scene));
      expect(scene.authorities.isOpen(authority)).toBe(model.scene.authorities.isOpen(authority));
      expect(gapsIn(scene)).toEqual([]);
    }
  });
});

const fakesOf = ({ registry, authorities, alignments }: Scene) => ({ registry, authorities, alignments });

/** The CA is registered with the broker, which lets its devices in. */
async function quietScene() {
  const scene = await makeScene();
  const authority = await scene.authorities.register(scene.authority.pem);
  return { scene, authority };
}

/** As `register-device` leaves it. */
async function ruleScene() {
  const { scene, authority } = await quietScene();
  const row = openBreaker(undefined, { authority, by: 'rule', now: NOW });
  if (row === undefined) throw new Error('expected a breaker');
  const actor = { kind: 'step', step: 'register-device' } as const;
  const detail = { actor, decision: 'done', inputs: {}, requestId: 'flood' } as const;
  const draft = { stream: STREAMS.breaker(authority), seq: 1, kind: 'breaker-opened', time: NOW, detail } as const;
  await scene.registry.commit([{ create: breakerKey(authority), row }, recordEntry(draft, scene.random)]);
  return { scene, authority };
}

function ask(scene: Scene, authority: string) {
  return answerRequest(JSON.stringify({ authority }), scene);
}

/** After its quarter of an hour, whatever time it is. */
function close(scene: Scene, authority: string) {
  const cooled = '2026-11-24T12:15:00.000Z';
  if (scene.clock.now() < cooled) scene.clock.set(cooled);
  return alignAuthority(authority, scene);
}

function act(scene: Scene, kind: string, authority = scene.authority.certificate.fingerprint) {
  const event = requestAct(PRINCIPAL, { kind, authority }, { audience: AUDIENCE, now: scene.clock.now() });
  return changeTrust(event, scene);
}

async function breakerIn({ registry }: Scene, authority: string) {
  const [row] = await registry.read([breakerKey(authority)]);
  return row === undefined ? undefined : parseBreaker(row);
}

async function move({ registry }: Scene, authority: string): Promise<void> {
  const [row] = await registry.read([breakerKey(authority)]);
  registry.seed(breakerKey(authority), { ...row, version: Number(row?.['version']) + 1 });
}
