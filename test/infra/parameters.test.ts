// Does a wrong parameter end in one line that helps, before anything is made of it?
import { spawnSync } from 'node:child_process';

import { expect, test } from 'vitest';

import { readParameters } from '../../infra/parameters.ts';
import { parseRoleMap, type RoleMap } from '../../shared/governance/permissions.ts';
import { createApp } from './synth.ts';

const read = (context: Record<string, unknown>, environment = {}) => readParameters(createApp(context), environment);

test('without parameters it is a production deployment that keeps everything', () => {
  expect(read({})).toEqual({
    prefix: 'wardkey',
    stage: 'production',
    region: 'eu-central-1',
    account: undefined,
    retention: 'retain',
    logRetentionDays: 365,
    registrationConcurrency: 10,
    pendingDays: 30,
    roles: '{"operator":[],"approver":[]}', // nobody may perform an act
    hsm: false,
    bundle: false, // the tests' own
  });
});

test('the local stage keeps nothing unless it is told to', () => {
  expect(read({ stage: 'local' }).retention).toBe('destroy');
  expect(read({ stage: 'local', retention: 'retain' }).retention).toBe('retain');
});

test('account and region of the credentials are used where none is given', () => {
  const environment = { CDK_DEFAULT_ACCOUNT: '210987654321', CDK_DEFAULT_REGION: 'eu-west-1' };
  expect(read({}, environment)).toMatchObject({ account: '210987654321', region: 'eu-west-1' });
  expect(read({ account: '123456789012', region: 'us-east-1' }, environment)).toMatchObject({
    account: '123456789012',
    region: 'us-east-1',
  });
});

const ANN = 'arn:aws:iam::123456789012:user/ward/ann';
const SESSIONS = 'arn:aws:sts::123456789012:assumed-role/Ward-Approvers/*';
const SESSION = 'arn:aws-us-gov:sts::123456789012:assumed-role/Ward/ben@ward';

test.each<[operators: string, approvers: string, roles: RoleMap]>([
  [ANN, '', { operator: [ANN], approver: [] }],
  ['', SESSIONS, { operator: [], approver: [SESSIONS] }],
  [` ${ANN} ,${SESSION},`, ANN, { operator: [ANN, SESSION], approver: [ANN] }],
])('T022 operators "%s" and approvers "%s" become a role map that functions read', (operators, approvers, roles) => {
  expect(parseRoleMap(JSON.parse(read({ operators, approvers }).roles))).toEqual(roles);
});

const PRINCIPALS =
  'ARNs as AWS STS names callers: IAM users, or sessions of assumed roles (/* for all), with commas between';

test.each([
  ['prefix', 'W', 'a small letter, then 1 to 20 small letters, digits or hyphens'],
  ['prefix', 'a_b', 'a small letter, then 1 to 20 small letters, digits or hyphens'],
  ['stage', 'prod', '"production" or "local"'],
  ['region', 'Frankfurt', 'a Region such as eu-central-1'],
  ['account', '12345', '12 digits'],
  ['retention', '', '"retain" or "destroy"'],
  ['logRetentionDays', '366', expect.stringMatching(/^one of 1, 3, 5, .*3653$/)],
  ['pendingDays', '0', 'a whole number from 1 to 365'],
  ['pendingDays', '366', 'a whole number from 1 to 365'],
  ['registrationConcurrency', '1', 'a whole number from 2 to 100'],
  ['registrationConcurrency', '101', 'a whole number from 2 to 100'],
  ['registrationConcurrency', '2.5', 'a whole number from 2 to 100'],
  ['operators', '*', PRINCIPALS],
  ['operators', 'ann', PRINCIPALS],
  ['operators', `${ANN},arn:aws:iam::12345:user/ben`, PRINCIPALS],
  ['operators', 'arn:aws:iam::123456789012:user/*', PRINCIPALS],
  ['operators', 'arn:aws:iam::*:user/ann', PRINCIPALS],
  ['approvers', 'arn:aws:sts::123456789012:assumed-role/*', PRINCIPALS],
  ['approvers', 'arn:aws:sts::123456789012:assumed-role/*/ann', PRINCIPALS],
  ['approvers', 'arn:aws:sts::123456789012:assumed-role/Ward-*/*', PRINCIPALS],
  ['approvers', 'arn:aws:sts::123456789012:assumed-role/Ward', PRINCIPALS],
  ['approvers', 'arn:aws:iam::123456789012:role/Ward-Approvers', PRINCIPALS], // STS names its sessions, never the role
  ['approvers', 'arn:aws:iam::123456789012:group/approvers', PRINCIPALS],
  ['approvers', `${ANN}\n`.repeat(2), PRINCIPALS],
  ['approvers', ['arn'], PRINCIPALS],
  ['bundle', 'no', '"true" or "false"'],
  ['hsm', 'yes', '"true" or "false"'],
  ['hsm', true, '"true" or "false"'],
  ['prefix', 7, 'a small letter, then 1 to 20 small letters, digits or hyphens'],
])('%s=%j is refused in one line that says what was expected and what came', (name, value, expected) => {
  const message = messageOf(() => read({ [name]: value }));
  const [, before, got] = /^parameter "\w+": expected (.*), got (.*)$/.exec(message) ?? [];
  expect(message).toContain(`parameter "${name}"`);
  expect(before).toEqual(expected);
  expect(got).toBe(JSON.stringify(value));
});

test('the program prints that line alone and fails', () => {
  const env = { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ stage: 'prod' }) };
  const { status, stderr } = spawnSync('node', ['infra/app.ts'], { env, encoding: 'utf8' });
  expect(stderr).toBe('wardkey: parameter "stage": expected "production" or "local", got "prod"\n');
  expect(status).toBe(1);
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}
