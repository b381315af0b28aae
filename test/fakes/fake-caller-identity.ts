// AWS STS as far as an act needs it: principals sign, and a request whose signed headers were changed is nobody's.
import { createHmac } from 'node:crypto';

import type { Json } from '../../shared/canonical.ts';
import { ACT_HEADER, actDigest, type ActRequest } from '../../shared/governance/act.ts';
import type { CallerIdentity, SignedIdentityRequest } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

export const STS_HOST = 'sts.eu-central-1.amazonaws.com';
const SIGNED = ['content-type', 'host', 'x-amz-date', ACT_HEADER];

type Headers = SignedIdentityRequest['headers'];

export class FakeCallerIdentity implements CallerIdentity {
  /** What was sent to STS. */
  readonly asked: SignedIdentityRequest[] = [];
  readonly #faults = new Faults<'identify'>();

  failNext(fault: PlannedFault<'identify'>): void {
    this.#faults.failNext(fault);
  }

  identify(request: SignedIdentityRequest): Promise<string | undefined> {
    return this.#faults.run('identify', () => {
      this.asked.push(request);
      const { headers } = request;
      const authorization = headers['authorization'] ?? '';
      const principal = /Credential=([^\s,]+)\/sts\/aws4_request,/.exec(authorization)?.[1];
      if (principal === undefined || headers['host'] !== STS_HOST) return undefined;
      return authorization === authorize(principal, headers) ? principal : undefined;
    });
  }
}

export interface ActTime {
  /** ARN of the function that will be invoked. */
  readonly audience: string;
  readonly now: string;
}

/** The event by which `principal` (an ARN) asks for an act. */
export function requestAct(principal: string, act: Json, { audience, now }: ActTime): ActRequest {
  return { act, identity: { headers: signHeaders(principal, actDigest(audience, act), now) } };
}

export function signHeaders(principal: string, digest: string, now: string): Headers {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    host: STS_HOST,
    'x-amz-date': `${new Date(Date.parse(now)).toISOString().slice(0, 19).replace(/[:-]/g, '')}Z`,
    [ACT_HEADER]: digest,
  };
  return { ...headers, authorization: authorize(principal, headers) };
}

function authorize(principal: string, headers: Headers): string {
  const signature = createHmac('sha256', `secret of ${principal}`)
    .update(JSON.stringify(SIGNED.map((name) => headers[name])))
    .digest('hex');
  const signed = SIGNED.join(';');
  return `AWS4-HMAC-SHA256 Credential=${principal}/sts/aws4_request, SignedHeaders=${signed}, Signature=${signature}`;
}
