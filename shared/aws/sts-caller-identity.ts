// Who signed this request? Sent on to AWS STS as it came; STS checks the signature and names the principal.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { Fault } from '../outcome.ts';
import type { CallerIdentity, SignedIdentityRequest } from '../ports.ts';

/** The body is fixed here and covered by the signature: no other STS action can be asked through us. */
export const IDENTITY_BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
/** STS does not know the caller or the signature; every other error, as throttling, is a fault and asked again. */
const REFUSALS = new Set([
  'AccessDenied',
  'ExpiredToken',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'MissingAuthenticationToken',
  'SignatureDoesNotMatch',
]);
const TIMEOUT_MS = 5_000;
const LONGEST_ANSWER = 64 * 1024;

/** `endpoint` is the Regional STS endpoint of this deployment; the request goes nowhere else, whatever its Host says. */
export function stsCallerIdentity(endpoint: string): CallerIdentity {
  return {
    async identify({ headers }) {
      if (headers['host'] !== new URL(endpoint).host) return undefined;
      const { status, body } = await post(endpoint, headers);
      if (REFUSALS.has(/<Code>([A-Za-z.]{1,64})<\/Code>/.exec(body)?.[1] ?? '')) return undefined;
      const arn = /<Arn>([^<]{1,2048})<\/Arn>/.exec(body)?.[1];
      if (status === 200 && arn !== undefined) return arn;
      throw new Fault('answer-malformed', `STS answered with status ${status}`);
    },
  };
}

function post(endpoint: string, headers: SignedIdentityRequest['headers']): Promise<{ status: number; body: string }> {
  const request = endpoint.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': IDENTITY_BODY.length },
      timeout: TIMEOUT_MS,
    };
    const sent = request(endpoint, options, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        body += part;
        if (body.length > LONGEST_ANSWER) answer.destroy(new Fault('answer-malformed', 'STS answered too much'));
      });
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body });
      });
      answer.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Fault('answer-malformed', 'STS did not answer in time')));
    sent.on('error', reject);
    sent.end(IDENTITY_BODY);
  });
}
