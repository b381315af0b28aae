// What must everybody do who names callers? Name the principal behind a genuine signature, and nobody behind another.
import { describe, expect, test } from 'vitest';

import { ACT_HEADER } from '../../shared/governance/act.ts';
import type { CallerIdentity, SignedIdentityRequest } from '../../shared/ports.ts';

type Headers = SignedIdentityRequest['headers'];

export interface CallerIdentityStage {
  readonly callers: () => CallerIdentity;
  /** Headers of a genuine request over this act, and the ARN of whoever signed it. */
  readonly sign: (act: string) => Promise<{ readonly headers: Headers; readonly principal: string }>;
}

const ACT = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

export function callerIdentityContract(name: string, { callers, sign }: CallerIdentityStage): void {
  describe(`caller identity contract: ${name}`, () => {
    test('names the principal who signed', async () => {
      const { headers, principal } = await sign(ACT);
      expect(await callers().identify({ headers })).toBe(principal);
    });

    test.each<[string, (headers: Headers) => Headers]>([
      ['another act', (headers) => ({ ...headers, [ACT_HEADER]: OTHER })],
      ['another time', (headers) => ({ ...headers, 'x-amz-date': nextSecond(headers['x-amz-date'] ?? '') })],
      [
        'another signature',
        (headers) => ({ ...headers, authorization: otherSignature(headers['authorization'] ?? '') }),
      ],
      ['another host', (headers) => ({ ...headers, host: `evil.${headers['host'] ?? ''}` })],
      ['no signature', ({ authorization: _gone, ...headers }) => headers],
    ])('names nobody when a genuine request comes with %s', async (_title, change) => {
      const { headers } = await sign(ACT);
      expect(await callers().identify({ headers: change(headers) })).toBeUndefined();
    });
  });
}

function nextSecond(time: string): string {
  const digit = Number(time.at(-2));
  return `${time.slice(0, -2)}${(digit + 1) % 10}Z`;
}

function otherSignature(authorization: string): string {
  return `${authorization.slice(0, -1)}${authorization.endsWith('0') ? '1' : '0'}`;
}
