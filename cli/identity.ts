// How does a command prove who runs it? By signing an sts:GetCallerIdentity request over the act, without sending it.
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

import type { Json } from '../shared/canonical.ts';
import { ACT_HEADER, actDigest, IDENTITY_HEADERS } from '../shared/governance/act.ts';
import type { SignedIdentityRequest } from '../shared/ports.ts';
import type { ClientConfig } from './place.ts';

interface Headers {
  headers: Record<string, string>;
}

interface Sending {
  readonly request: unknown;
}

/** The signature is good for five minutes, for this act and for the function with the ARN `audience` only. */
export async function signAct(act: Json, audience: string, config: ClientConfig): Promise<SignedIdentityRequest> {
  let signed: Record<string, string> | undefined;
  const client = new STSClient({
    ...config,
    endpoint: config.endpoint ?? `https://sts.${config.region}.amazonaws.com`,
    requestHandler: {
      handle: (request: Headers) => {
        signed = request.headers;
        return Promise.reject(new SignedOnly());
      },
    },
  });
  const bindToAct = (next: (sending: Sending) => Promise<unknown>) => (sending: Sending) => {
    const request = sending.request as Headers;
    const kept = Object.entries(request.headers).filter(([name]) => IDENTITY_HEADERS.includes(name));
    request.headers = { ...Object.fromEntries(kept), [ACT_HEADER]: actDigest(audience, act) };
    return next(sending);
  };
  const place = { relation: 'before', toMiddleware: 'httpSigningMiddleware', name: 'bindToAct' } as const;
  client.middlewareStack.addRelativeTo(bindToAct as never, place);
  await client.send(new GetCallerIdentityCommand({})).catch((error: unknown) => {
    if (!(error instanceof SignedOnly)) throw error;
  });
  if (signed === undefined) throw new Error('the AWS SDK signed nothing');
  return { headers: Object.fromEntries(Object.entries(signed).filter(([name]) => IDENTITY_HEADERS.includes(name))) };
}

class SignedOnly extends Error {}
