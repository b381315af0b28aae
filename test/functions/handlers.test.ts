// Does every step of the blueprint have its wiring, and does it start only with everything it needs?
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { STEPS, VARIABLES } from '../../shared/env.ts';

const FUNCTIONS = join(import.meta.dirname, '../../functions');
const ACTS = [
  'whitelist/claim-devices',
  'governance/change-trust',
  'governance/change-standing',
  'governance/approve-act',
  'issuance/create-authority',
];

beforeEach(() => {
  vi.resetModules();
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  for (const name of Object.values(VARIABLES)) vi.stubEnv(name, 'given');
  vi.stubEnv(VARIABLES.roles, '{"operator":[],"approver":[]}');
  vi.stubEnv(VARIABLES.pendingDays, '30');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(Object.entries(STEPS))('%s', (step, chapter) => {
  const load = async () =>
    (await import(join(FUNCTIONS, chapter, step, 'handler.ts'))) as { readonly handler: unknown };

  test('has a handler that starts with its environment', async () => {
    expect(await load()).toMatchObject({ handler: expect.any(Function) as unknown });
  });

  test('does not start with an empty environment: absence is never a default', async () => {
    for (const name of Object.values(VARIABLES)) vi.stubEnv(name, '');
    await expect(load()).rejects.toMatchObject({ code: 'environment-incomplete' });
  });
});

test.each(['0', '-1', '1.5', 'a month', ''])('register-device does not start with %s days of waiting', async (days) => {
  vi.stubEnv(VARIABLES.pendingDays, days);
  await expect(import(join(FUNCTIONS, 'onboarding/register-device/handler.ts'))).rejects.toMatchObject({
    code: 'environment-incomplete',
  });
});

test.each(['given', '[]', '{"operator":["*"]}', '{"operator":[],"approver":[],"admin":[]}'])(
  'T022 no handler of acts starts with the role map %s: what cannot be read is no empty map',
  async (roles) => {
    vi.stubEnv(VARIABLES.roles, roles);
    for (const step of ACTS) {
      vi.resetModules();
      await expect(import(join(FUNCTIONS, step, 'handler.ts')), step).rejects.toMatchObject({
        code: 'environment-incomplete',
      });
    }
  },
);
