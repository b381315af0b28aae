// Is an act asked for one deployed function good for no other? Each handler of acts names its own ARN as the audience.
import { join } from 'node:path';

import type { Context } from 'aws-lambda';
import { afterEach, expect, test, vi } from 'vitest';

import { VARIABLES } from '../../shared/env.ts';
import { done } from '../../shared/outcome.ts';

const FUNCTIONS = join(import.meta.dirname, '../../functions');
const ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:wardkey-step';

interface Loaded {
  readonly handler: (event: unknown, context: Context) => Promise<unknown>;
}

afterEach(() => {
  vi.doUnmock(join(FUNCTIONS, 'whitelist/claim-devices/flow.ts'));
  vi.doUnmock(join(FUNCTIONS, 'governance/change-trust/flow.ts'));
  vi.doUnmock(join(FUNCTIONS, 'governance/change-standing/flow.ts'));
  vi.doUnmock(join(FUNCTIONS, 'governance/approve-act/flow.ts'));
  vi.doUnmock(join(FUNCTIONS, 'issuance/create-authority/flow.ts'));
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test.each([
  ['whitelist/claim-devices', 'claimDevices'],
  ['governance/change-trust', 'changeTrust'],
  ['governance/change-standing', 'changeStanding'],
  ['governance/approve-act', 'approveAct'],
  ['issuance/create-authority', 'createAuthority'],
])(
  '%s performs acts for its own ARN, under any version or alias, for this request, by the roles it was given',
  async (step, flow) => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    for (const name of Object.values(VARIABLES)) vi.stubEnv(name, 'given');
    vi.stubEnv(VARIABLES.roles, '{"operator":[],"approver":[]}');
    const worlds: unknown[] = [];
    const performed = (_event: unknown, world: unknown) => Promise.resolve(done(worlds.push(world)));
    vi.doMock(join(FUNCTIONS, step, 'flow.ts'), () => ({ [flow]: performed }));
    const { handler } = (await import(join(FUNCTIONS, step, 'handler.ts'))) as Loaded;
    await handler({}, { awsRequestId: 'request-1', invokedFunctionArn: `${ARN}:live` } as Context);
    expect(worlds).toEqual([
      expect.objectContaining({ audience: ARN, requestId: 'request-1', roles: { operator: [], approver: [] } }),
    ]);
  },
);
