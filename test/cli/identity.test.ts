// Does a command prove who runs it without sending anything, and for this act and this function only?
import { Socket } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as z from 'zod';

import { signAct } from '../../cli/identity.ts';
import type { Json } from '../../shared/canonical.ts';
import { ACT_HEADER, actDigest, IDENTITY_HEADERS, proveAct } from '../../shared/governance/act.ts';

const AUDIENCE = 'arn:aws:lambda:eu-central-1:123456789012:function:wardkey-claim-devices';
const ACT = { kind: 'claim-devices', owner: 'st-anna', devices: ['acme-P1001'] };
const CONFIG = {
  region: 'eu-central-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary-secret', sessionToken: 'token' },
};

let connects: number;

beforeEach(() => {
  connects = 0;
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(() => {
    connects += 1;
    throw new Error('nothing may be sent');
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('signs the host, the time and the act, and sends nothing anywhere', async () => {
  const { headers } = await signAct(ACT, AUDIENCE, CONFIG);
  expect(signedIn(headers)).toEqual(expect.arrayContaining(['host', 'x-amz-date', ACT_HEADER]));
  expect(headers[ACT_HEADER]).toBe(actDigest(AUDIENCE, ACT));
  expect(connects).toBe(0);
});

test('is made for the Regional STS endpoint, or for the one endpoint of the local cloud', async () => {
  expect((await signAct(ACT, AUDIENCE, CONFIG)).headers['host']).toBe('sts.eu-central-1.amazonaws.com');
  const local = { ...CONFIG, endpoint: 'http://localhost:4566', forcePathStyle: true } as const;
  expect((await signAct(ACT, AUDIENCE, local)).headers['host']).toBe('localhost:4566');
});

test('holds the headers that are sent on to STS and no other, each of them signed', async () => {
  const { headers } = await signAct(ACT, AUDIENCE, CONFIG);
  expect(Object.keys(headers).filter((name) => !IDENTITY_HEADERS.includes(name))).toEqual([]);
  const covered = Object.keys(headers).filter((name) => name !== 'authorization');
  expect(signedIn(headers)).toEqual(covered.sort());
});

test('carries the session token of temporary credentials, and never the secret', async () => {
  const { headers } = await signAct(ACT, AUDIENCE, CONFIG);
  expect(headers['x-amz-security-token']).toBe('token');
  expect(JSON.stringify(headers)).not.toContain('canary');
});

test.each<[string, Json, string]>([
  ['another act', { ...ACT, owner: 'st-bert' }, AUDIENCE],
  ['another function', ACT, AUDIENCE.replace('claim-devices', 'change-trust')],
  ['another deployment', ACT, AUDIENCE.replace('123456789012', '210987654321')],
])('makes another signature for %s', async (_name, act, audience) => {
  vi.useFakeTimers({ now: Date.parse('2026-11-24T12:00:00.000Z'), toFake: ['Date'] });
  const [one, other] = [await signAct(ACT, AUDIENCE, CONFIG), await signAct(act, audience, CONFIG)];
  vi.useRealTimers();
  expect(other.headers['x-amz-date']).toBe(one.headers['x-amz-date']);
  expect(other.headers['authorization']).not.toBe(one.headers['authorization']);
});

test('makes a proof that the function takes as far as it can without STS', async () => {
  const identity = await signAct(ACT, AUDIENCE, CONFIG);
  const asked: unknown[] = [];
  const callers = { identify: (proof: unknown) => Promise.resolve(asked.push(proof) > 0 ? 'arn' : undefined) };
  const check = { audience: AUDIENCE, now: new Date(Date.now()).toISOString(), callers };
  expect(await proveAct(z.looseObject({}), { act: ACT, identity }, check)).toEqual({
    outcome: 'done',
    value: { act: ACT, principal: 'arn' },
  });
  expect(asked).toEqual([identity]);
});

test('fails where there are no credentials, and does not go on without a signature', async () => {
  const credentials = () => Promise.reject(new Error('no credentials'));
  const config = { region: 'eu-central-1', credentials: credentials as never };
  await expect(signAct(ACT, AUDIENCE, config)).rejects.toThrow('no credentials');
});

function signedIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '')?.[1]?.split(';') ?? [];
}
