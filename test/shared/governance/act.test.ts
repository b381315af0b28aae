// Is an act proved only by a fresh signature of its caller over this very act for this very function?
import { beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';

import type { Json } from '../../../shared/canonical.ts';
import { ACT_HEADER, actDigest, proveAct, type ActRequest } from '../../../shared/governance/act.ts';
import { FakeCallerIdentity, requestAct, signHeaders } from '../../fakes/fake-caller-identity.ts';

const SCHEMA = z.strictObject({ owner: z.string(), devices: z.array(z.string()) });
const ACT = { owner: 'clinic', devices: ['acme-A1'] };
const AUDIENCE = 'arn:aws:lambda:eu-central-1:000000000000:function:wardkey-claim-devices';
const PRINCIPAL = 'arn:aws:iam::000000000000:user/operator';
const NOW = '2026-11-24T12:00:00.000Z';

let callers: FakeCallerIdentity;

beforeEach(() => {
  callers = new FakeCallerIdentity();
});

function prove(event: unknown, check: { audience?: string; now?: string } = {}) {
  return proveAct(SCHEMA, event, { audience: AUDIENCE, now: NOW, callers, ...check });
}

function genuine(act: Json = ACT, now = NOW): ActRequest {
  return requestAct(PRINCIPAL, act, { audience: AUDIENCE, now });
}

/** The genuine request with other headers; undefined takes one away. */
function withHeaders(change: Readonly<Record<string, string | undefined>>): unknown {
  const headers = Object.entries({ ...genuine().identity.headers, ...change }).filter(
    ([, value]) => value !== undefined,
  );
  return { act: ACT, identity: { headers: Object.fromEntries(headers) } };
}

function authorization(change: (text: string) => string): unknown {
  return withHeaders({ authorization: change(genuine().identity.headers['authorization'] ?? '') });
}

async function expectUnproved(event: unknown, problem: string | RegExp, check = {}): Promise<void> {
  const outcome = await prove(event, check);
  expect(outcome).toMatchObject({ outcome: 'refused', refusal: { reason: 'caller-unproved' } });
  if (outcome.outcome === 'refused') expect(outcome.refusal).toHaveProperty('problem', expect.stringMatching(problem));
}

test('proves who signed the act', async () => {
  expect(await prove(genuine())).toEqual({ outcome: 'done', value: { act: ACT, principal: PRINCIPAL } });
});

test('sends on to STS what the caller signed, and nothing else', async () => {
  const request = genuine();
  await prove(request);
  expect(callers.asked).toEqual([request.identity]);
});

test('sends on the hash of the body that the AWS SDK signs along', async () => {
  const headers = { ...genuine().identity.headers, 'x-amz-content-sha256': 'a'.repeat(64) };
  await prove({ act: ACT, identity: { headers } });
  expect(callers.asked).toEqual([{ headers }]);
});

test('the order of the members does not matter', async () => {
  const { identity } = genuine();
  const act = { devices: ACT.devices, owner: ACT.owner };
  expect((await prove({ act, identity })).outcome).toBe('done');
});

describe('refuses, without asking STS,', () => {
  const cases: [string, () => unknown, string | RegExp][] = [
    [
      'a header of the caller’s choosing',
      () => withHeaders({ 'x-amz-target': 'other' }),
      'unexpected header "x-amz-target"',
    ],
    ['a header that carries another date', () => withHeaders({ date: 'today' }), 'unexpected header "date"'],
    ['a known header in other letters', () => withHeaders({ 'X-Wardkey-Act': 'a' }), 'unexpected header'],
    ['no signature', () => withHeaders({ authorization: undefined }), /^expected "host" among the signed headers$/],
    ['an authorization of another kind', () => withHeaders({ authorization: 'Bearer x' }), 'among the signed headers'],
    ['another algorithm', () => authorization((text) => text.replace('AWS4-HMAC', 'AWS5-HMAC')), 'among the signed'],
    ['two authorizations', () => authorization((text) => `${text}, ${text}`), 'among the signed headers'],
    ['text before the authorization', () => authorization((text) => `x ${text}`), 'among the signed headers'],
    ['text behind the authorization', () => authorization((text) => `${text}\nx: y`), 'among the signed headers'],
    ['a signature that is none', () => authorization((text) => text.slice(0, -1)), 'among the signed headers'],
    ['a host that is not signed', () => authorization((text) => text.replace('host;', '')), 'expected "host"'],
    [
      'a time that is not signed',
      () => authorization((text) => text.replace('x-amz-date;', '')),
      'expected "x-amz-date"',
    ],
    [
      'an act that is not signed',
      () => authorization((text) => text.replace(`;${ACT_HEADER}`, '')),
      `expected "${ACT_HEADER}"`,
    ],
    [
      'an act whose name is only part of a signed one',
      () => authorization((text) => text.replace(ACT_HEADER, `${ACT_HEADER}s`)),
      `expected "${ACT_HEADER}"`,
    ],
    ['no digest of an act', () => withHeaders({ [ACT_HEADER]: undefined }), 'another act or another function'],
    ['no time', () => withHeaders({ 'x-amz-date': undefined }), 'minutes from now'],
    ['a time in another form', () => withHeaders({ 'x-amz-date': NOW }), 'minutes from now'],
    ['a time that does not exist', () => withHeaders({ 'x-amz-date': '20261324T120000Z' }), 'minutes from now'],
  ];

  test.each(cases)('%s', async (_title, event, problem) => {
    await expectUnproved(event(), problem);
    expect(callers.asked).toEqual([]);
  });

  test.each<[string, Json]>([
    ['another member', { ...ACT, owner: 'other' }],
    ['a device more', { ...ACT, devices: ['acme-A1', 'acme-B1'] }],
    ['a device less', { ...ACT, devices: [] }],
  ])('the genuine signature of another act: %s', async (_title, act) => {
    const { identity } = genuine();
    await expectUnproved({ act, identity }, 'another act or another function');
    expect(callers.asked).toEqual([]);
  });

  test('the devices of an act in another order: lists have an order', async () => {
    const { identity } = genuine({ ...ACT, devices: ['a', 'b'] });
    await expectUnproved({ act: { ...ACT, devices: ['b', 'a'] }, identity }, 'another act');
  });

  test('a genuine act for another function or deployment', async () => {
    await expectUnproved(genuine(), 'another act or another function', {
      audience: AUDIENCE.replace('000000000000', '111111111111'),
    });
    expect(callers.asked).toEqual([]);
  });
});

describe('time', () => {
  test.each([
    ['2026-11-24T11:55:00Z', true],
    ['2026-11-24T11:54:59Z', false],
    ['2026-11-24T12:05:00Z', true],
    ['2026-11-24T12:05:01Z', false],
    ['2025-11-24T12:00:00Z', false],
  ])('a request signed at %s is fresh: %s', async (signedAt, fresh) => {
    const event = genuine(ACT, signedAt);
    if (fresh) expect((await prove(event)).outcome).toBe('done');
    else await expectUnproved(event, 'signed more than 5 minutes from now');
    expect(callers.asked).toHaveLength(fresh ? 1 : 0);
  });
});

describe('asks STS, and refuses when it does not accept the signature', () => {
  test.each<[string, () => unknown]>([
    ['another principal in the credential', () => authorization((text) => text.replace('user/operator', 'user/chief'))],
    ['another signature', () => authorization((text) => `${text.slice(0, -2)}${text.endsWith('00') ? '11' : '00'}`)],
    ['another host', () => withHeaders({ host: 'sts.evil.example' })],
    ['another time within the bound', () => withHeaders({ 'x-amz-date': '20261124T120001Z' })],
    ['another content type', () => withHeaders({ 'content-type': 'text/plain' })],
  ])('%s', async (_title, event) => {
    await expectUnproved(event(), 'STS does not accept the signature');
    expect(callers.asked).toHaveLength(1);
  });

  test('a captured signature over another act, with the digest put right', async () => {
    const other = actDigest(AUDIENCE, { ...ACT, owner: 'other' });
    await expectUnproved(
      {
        act: { ...ACT, owner: 'other' },
        identity: { headers: { ...genuine().identity.headers, [ACT_HEADER]: other } },
      },
      'STS does not accept',
    );
  });

  test('STS that cannot be asked is a fault, not a refusal', async () => {
    callers.failNext({ on: 'identify', kept: false });
    await expect(prove(genuine())).rejects.toThrow();
  });
});

describe('request', () => {
  const headers = () => signHeaders(PRINCIPAL, actDigest(AUDIENCE, ACT), NOW);

  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['text', () => 'claim'],
    ['a list', () => [genuine()]],
    ['no identity', () => ({ act: ACT })],
    ['no act', () => ({ identity: { headers: headers() } })],
    ['a member more', () => ({ ...genuine(), more: 1 })],
    [
      'a body of the caller’s choosing',
      () => ({ act: ACT, identity: { headers: headers(), body: 'Action=AssumeRole' } }),
    ],
    [
      'an endpoint of the caller’s choosing',
      () => ({ act: ACT, identity: { headers: headers(), url: 'http://evil' } }),
    ],
    ['a header that is no text', () => ({ act: ACT, identity: { headers: { ...headers(), host: ['a', 'b'] } } })],
    [
      'a header that is too long',
      () => ({ act: ACT, identity: { headers: { ...headers(), host: 'h'.repeat(4097) } } }),
    ],
    ['an act that its schema refuses', () => genuine({ ...ACT, owner: 1 })],
    ['an act with a member that is unknown', () => genuine({ ...ACT, force: true })],
  ])('with %s is malformed, and STS is not asked', async (_title, event) => {
    expect(await prove(event())).toMatchObject({ outcome: 'refused', refusal: { reason: 'request-malformed' } });
    expect(callers.asked).toEqual([]);
  });

  test.each<[string, object]>([
    ['a lone surrogate', { note: 'a\ud800' }],
    ['a lone surrogate in the name of a member', { 'a\udc00': 1 }],
    ['a fraction', { note: 1.5 }],
    ['an integer that JSON cannot say exactly', { note: 2 ** 53 }],
    ['a fraction deep inside', { note: [{ deep: [0.1] }] }],
  ])('with an act without canonical form, %s, is malformed: nobody can have signed it', async (_title, more) => {
    const { identity } = genuine();
    const event = { act: { ...ACT, ...more }, identity };
    const outcome = await proveAct(z.looseObject({ owner: z.string() }), event, {
      audience: AUDIENCE,
      now: NOW,
      callers,
    });
    expect(outcome).toEqual({
      outcome: 'refused',
      refusal: { reason: 'request-malformed', problem: 'the act has no canonical form' },
    });
    expect(callers.asked).toEqual([]);
  });

  test('never repeats what was refused', async () => {
    const outcome = await prove(genuine({ ...ACT, owner: { secret: 'hunter2' } }));
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
  });
});
