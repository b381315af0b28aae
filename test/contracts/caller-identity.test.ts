// Do the STS of the fakes and the real one keep the same promises? Requests are signed by the SDK's own signer.
import { GetCallerIdentityCommand, GetFederationTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeAll, expect, test } from 'vitest';
import * as z from 'zod';

import { signAct } from '../../cli/identity.ts';
import type { LocalCloud } from '../../cli/local/cloud.ts';
import { IDENTITY_BODY, stsCallerIdentity } from '../../shared/aws/sts-caller-identity.ts';
import { ACT_HEADER, proveAct } from '../../shared/governance/act.ts';
import { FakeCallerIdentity, signHeaders } from '../fakes/fake-caller-identity.ts';
import { callerIdentityContract } from './caller-identity-contract.ts';
import { clientSettings, localAws } from './local-aws.ts';

const AUDIENCE = 'arn:aws:lambda:us-east-1:000000000000:function:wardkey-change-trust';
const PRINCIPAL = 'arn:aws:iam::000000000000:user/operator';

callerIdentityContract('in memory', {
  callers: () => new FakeCallerIdentity(),
  sign: (act) =>
    Promise.resolve({ headers: signHeaders(PRINCIPAL, act, '2026-11-24T12:00:00Z'), principal: PRINCIPAL }),
});

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

let cloud: LocalCloud;
/** Of a principal of its own: MiniStack takes any signature by its root key "test" for genuine. */
let operator: Credentials;
let principal: string;

beforeAll(async () => {
  cloud = await localAws();
  const answer = await new STSClient(clientSettings(cloud)).send(new GetFederationTokenCommand({ Name: 'operator' }));
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = answer.Credentials ?? {};
  operator = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  principal = answer.FederatedUser?.Arn ?? '';
}, 60_000);

callerIdentityContract('AWS STS (local cloud)', {
  callers: () => stsCallerIdentity(cloud.endpoint),
  sign: async (act) => ({ headers: (await capture(act, operator)).headers, principal }),
});

test('names nobody when the secret is wrong', async () => {
  const { headers } = await capture('a'.repeat(64), { ...operator, secretAccessKey: 'wrong' });
  expect(await stsCallerIdentity(cloud.endpoint).identify({ headers })).toBeUndefined();
});

test('names nobody when the session token is missing', async () => {
  const { headers } = await capture('a'.repeat(64), operator);
  delete headers['x-amz-security-token'];
  expect(await stsCallerIdentity(cloud.endpoint).identify({ headers })).toBeUndefined();
});

test('takes an act that the CLI signed for the act of its principal, and for no other act', async () => {
  const act = { kind: 'add-owner', owner: 'st-anna' };
  const { endpoint, region } = cloud;
  const identity = await signAct(act, AUDIENCE, { endpoint, region, credentials: operator });
  const prove = (asked: object) =>
    proveAct(
      z.looseObject({}),
      { act: asked, identity },
      { audience: AUDIENCE, now: new Date(Date.now()).toISOString(), callers: stsCallerIdentity(endpoint) },
    );
  expect(await prove(act)).toEqual({ outcome: 'done', value: { act, principal } });
  expect(await prove({ ...act, owner: 'st-bert' })).toMatchObject({ refusal: { reason: 'caller-unproved' } });
});

test('the body that is fixed here is the one the SDK signs', async () => {
  expect((await capture('a'.repeat(64), operator)).body).toBe(IDENTITY_BODY);
});

interface Captured {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What the SDK would send for GetCallerIdentity with the act in a header; nothing is sent. */
async function capture(act: string, credentials: Credentials): Promise<Captured> {
  let captured: Captured | undefined;
  const client = new STSClient({
    ...clientSettings(cloud),
    credentials,
    maxAttempts: 1,
    requestHandler: {
      handle(request: { headers: Record<string, string>; body: string }) {
        captured = { headers: signedOnly(request.headers), body: request.body };
        return Promise.reject(new Error('captured'));
      },
    },
  });
  client.middlewareStack.add(
    (next) => (input) => {
      (input.request as { headers: Record<string, string> }).headers[ACT_HEADER] = act;
      return next(input);
    },
    { step: 'build', name: 'act' },
  );
  await client.send(new GetCallerIdentityCommand()).catch(() => undefined);
  if (captured === undefined) throw new Error('the SDK sent nothing');
  return captured;
}

/** The signature and what it covers. */
function signedOnly(headers: Record<string, string>): Record<string, string> {
  const names = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '')?.[1]?.split(';') ?? [];
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name === 'authorization' || names.includes(name)),
  );
}
