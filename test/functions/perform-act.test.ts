// Is an act performed only when its caller is proven, and is every refusal of one entered?
import { describe, expect, test } from 'vitest';
import * as z from 'zod';

import { performAct } from '../../functions/perform-act.ts';
import type { Json } from '../../shared/canonical.ts';
import { done, refused } from '../../shared/outcome.ts';
import { requestAct } from '../fakes/fake-caller-identity.ts';
import { APPROVER, AUDIENCE, entriesOf, makeScene, NOW, PRINCIPAL } from './scene.ts';

const SCHEMA = z.strictObject({ kind: z.literal('add-owner'), owner: z.string() });
const ACT = { kind: 'add-owner', owner: 'st-anna' };

test('runs a proven act, and hands it the principal that AWS STS named', async () => {
  const scene = await makeScene();
  const answer = await performAct(SCHEMA, request(ACT), scene, ({ act, principal }) =>
    Promise.resolve(done({ act, principal })),
  );
  expect(answer).toEqual({ outcome: 'done', value: { act: ACT, principal: PRINCIPAL } });
  expect(entriesOf(scene)).toEqual([]);
});

test.each<[name: string, reason: string, event: unknown]>([
  ['an act without a proof', 'request-malformed', { act: ACT }],
  ['nothing', 'request-malformed', undefined],
  ['an act of another kind', 'request-malformed', request({ kind: 'other', owner: 'st-anna' })],
  ['T144 an act with a member that is not asked for', 'request-malformed', request({ ...ACT, epoch: 9 })],
  ['a proof over another act', 'caller-unproved', { ...request({ ...ACT, owner: 'other' }), act: ACT }],
  ['a proof for another function', 'caller-unproved', requestAct(PRINCIPAL, ACT, { audience: 'other', now: NOW })],
  [
    'an old proof',
    'caller-unproved',
    requestAct(PRINCIPAL, ACT, { audience: AUDIENCE, now: '2026-11-24T11:54:59.000Z' }),
  ],
  ['a proof that STS does not accept', 'caller-unproved', forged()],
])('refuses %s (%s) without running it, and enters the refusal once', async (_name, reason, event) => {
  const scene = await makeScene();
  const ran: unknown[] = [];
  const run = () => performAct(SCHEMA, event, scene, (proven) => Promise.resolve(done(ran.push(proven))));
  expect(await run()).toMatchObject({ outcome: 'refused', refusal: { reason } });
  await run(); // the same request once more
  expect(ran).toEqual([]);
  expect(entriesOf(scene)).toHaveLength(1);
  expect(entriesOf(scene)[0]).toMatchObject({
    stream: 'act/request-1',
    seq: 1,
    leaf: { kind: 'act-refused' },
    detail: {
      actor: { kind: 'iam', principal: 'unproved' },
      decision: 'refused',
      reason,
      inputs: { audience: AUDIENCE },
    },
  });
});

test('enters a refusal of the act itself with its principal and the values compared', async () => {
  const scene = await makeScene();
  const refusal = { reason: 'owner-unknown', owner: 'st-anna' } as const;
  await performAct(SCHEMA, request(ACT), scene, () => Promise.resolve(refused(refusal)));
  expect(entriesOf(scene)[0]?.detail).toEqual({
    actor: { kind: 'iam', principal: PRINCIPAL },
    decision: 'refused',
    reason: 'owner-unknown',
    inputs: { audience: AUDIENCE, compared: refusal },
    requestId: 'request-1',
  });
});

describe('T022 a proven principal', () => {
  const SESSION = 'arn:aws:sts::123456789012:assumed-role/operator';

  test.each<[name: string, operators: readonly string[], principal: string]>([
    ['without a role', [], PRINCIPAL],
    ['whose role may not perform this act', [PRINCIPAL], APPROVER],
    ['of another account', [`${SESSION}/*`], PRINCIPAL.replace('123456789012', '210987654321')],
    ['of a role whose name only begins so', [`${SESSION}/*`], `${SESSION}-of-another/ann`],
    ['of a role without a session', [`${SESSION}/*`], `${SESSION}/`],
    ['under a pattern that is no session pattern', ['arn:aws:sts::123456789012:*', '*'], PRINCIPAL],
    ['whose session only begins so', [PRINCIPAL], `${PRINCIPAL}e`],
  ])('%s is refused before the act runs, and entered by name', async (_name, operator, principal) => {
    const scene = { ...(await makeScene()), roles: { operator, approver: [APPROVER] } };
    const ran: unknown[] = [];
    const event = requestAct(principal, ACT, { audience: AUDIENCE, now: NOW });
    const answer = await performAct(SCHEMA, event, scene, (proven) => Promise.resolve(done(ran.push(proven))));
    expect(answer).toEqual(refused({ reason: 'not-permitted', act: 'add-owner', principal }));
    expect(ran).toEqual([]);
    expect(entriesOf(scene)).toMatchObject([
      {
        leaf: { kind: 'act-refused' },
        detail: { actor: { kind: 'iam', principal }, reason: 'not-permitted' },
      },
    ]);
  });

  test.each([PRINCIPAL, `${SESSION}/*`])('is let through by "%s"', async (pattern) => {
    const scene = { ...(await makeScene()), roles: { operator: [pattern], approver: [] } };
    expect(await performAct(SCHEMA, request(ACT), scene, () => Promise.resolve(done(1)))).toEqual(done(1));
  });
});

test('enters nothing for a fault, which is tried again', async () => {
  const scene = await makeScene();
  scene.callers.failNext({ on: 'identify', kept: false });
  await expect(performAct(SCHEMA, request(ACT), scene, () => Promise.resolve(done(1)))).rejects.toThrow('told to fail');
  expect(entriesOf(scene)).toEqual([]);
});

test('T129 answers no refusal that could not be entered', async () => {
  const scene = await makeScene();
  scene.registry.failNext({ on: 'commit', kept: false });
  await expect(performAct(SCHEMA, {}, scene, () => Promise.resolve(done(1)))).rejects.toThrow('told to fail');
});

function request(act: Json) {
  return requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW });
}

function forged() {
  const { act, identity } = request(ACT);
  const authorization = (identity.headers['authorization'] ?? '').replace(/[0-9a-f]{64}$/, 'f'.repeat(64));
  return { act, identity: { headers: { ...identity.headers, authorization } } };
}
