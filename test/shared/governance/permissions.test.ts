// May only those who were given a role perform its acts, and nobody by default?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  decidePermission,
  parseRoleMap,
  PERMISSIONS,
  type ActKind,
  type RoleMap,
} from '../../../shared/governance/permissions.ts';

const ANN = 'arn:aws:iam::123456789012:user/ann';
const BEN = 'arn:aws:iam::123456789012:user/ben';
const SESSIONS = 'arn:aws:sts::123456789012:assumed-role/Ward-Operators/*';
const NOBODY: RoleMap = { operator: [], approver: [] };
const ROLES: RoleMap = { operator: [ANN], approver: [BEN] };
const ACTS = Object.keys(PERMISSIONS) as ActKind[];

test('the table names each act with its roles', () => {
  expect(PERMISSIONS).toEqual({
    'add-owner': ['operator'],
    'set-owner-wishes': ['operator'],
    'add-authority': ['operator'],
    'add-root': ['operator'],
    'add-signer': ['operator'],
    'add-voucher-key': ['operator'],
    'add-lot': ['operator'],
    'add-revocation-list': ['operator'],
    'open-breaker': ['operator'],
    'close-breaker': ['operator'],
    'claim-devices': ['operator'],
    quarantine: ['operator'],
    deny: ['operator'],
    retire: ['operator'],
    'open-window': ['operator'],
    place: ['operator'],
    'request-lift': ['approver'],
    'request-authority': ['operator'],
    'create-authority': ['operator'],
    'request-release': ['operator', 'approver'],
    approve: ['approver'],
  });
});

describe.each(ACTS)('%s', (act) => {
  test('T022 is refused to everybody where nobody has a role', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(ANN, BEN, SESSIONS, '', '*')), (principal) => {
        expect(decidePermission(act, principal, NOBODY)).toEqual({
          outcome: 'refused',
          refusal: { reason: 'not-permitted', act, principal },
        });
      }),
      { numRuns: 20 },
    );
  });

  test('T022 is permitted to those of its roles alone, and the role is named', () => {
    const roles: readonly string[] = PERMISSIONS[act];
    expect(decidePermission(act, ANN, ROLES).outcome).toBe(roles.includes('operator') ? 'done' : 'refused');
    expect(decidePermission(act, BEN, ROLES).outcome).toBe(roles.includes('approver') ? 'done' : 'refused');
    const both = { operator: [ANN], approver: [ANN] };
    expect(decidePermission(act, ANN, both)).toEqual({ outcome: 'done', value: roles[0] });
  });
});

describe('principals', () => {
  const asks = (principal: string, ...operator: string[]) =>
    decidePermission('claim-devices', principal, { operator, approver: [] }).outcome;

  test.each(['ann', 'a-1', 'ann@ward', 'i-0123456789abcdef0'])(
    'every session of a role has its role: %s',
    (session) => {
      expect(asks(SESSIONS.replace('*', session), BEN, SESSIONS)).toBe('done');
    },
  );

  test.each([
    ['of a role whose name only begins the same', 'arn:aws:sts::123456789012:assumed-role/Ward-Operators-2/ann'],
    ['of the same role in another account', 'arn:aws:sts::210987654321:assumed-role/Ward-Operators/ann'],
    ['without a name', 'arn:aws:sts::123456789012:assumed-role/Ward-Operators/'],
    ['of the role, and nothing behind it', 'arn:aws:sts::123456789012:assumed-role/Ward-Operators'],
    ['of a role in another case', 'arn:aws:sts::123456789012:assumed-role/ward-operators/ann'],
  ])('T022 a session %s has no role', (_title, principal) => {
    expect(asks(principal, SESSIONS)).toBe('refused');
  });

  test.each([
    '*',
    'arn:*',
    'arn:aws:iam::123456789012:user/*',
    'arn:aws:sts::123456789012:assumed-role/*',
    'arn:aws:sts::123456789012:assumed-role/*/ann',
    'arn:aws:sts::*:assumed-role/Ward-Operators/*',
    'arn:aws:sts::123456789012:assumed-role/Ward-*/*',
    'arn:aws:sts::123456789012:assumed-role/Ward/Operators/*',
  ])('T022 a star means nothing but every session of one role: %s is nobody', (pattern) => {
    const session = 'arn:aws:sts::123456789012:assumed-role/Ward-Operators/ann';
    expect([ANN, session].map((principal) => asks(principal, pattern))).toEqual(['refused', 'refused']);
  });

  test('T022 an ARN is compared whole: neither its beginning nor more than it is the same principal', () => {
    for (const principal of [ANN.slice(0, -1), `${ANN}2`, ` ${ANN}`, ANN.toUpperCase()])
      expect(asks(principal, ANN)).toBe('refused');
  });
});

describe('role map', () => {
  test('is read as it was written', () => {
    expect(parseRoleMap(ROLES)).toEqual(ROLES);
    expect(parseRoleMap(NOBODY)).toEqual(NOBODY);
  });

  test.each([undefined, null, {}, [], 'x', { operator: [ANN] }, { ...ROLES, owner: [] }, { ...ROLES, operator: ANN }])(
    'T022 %j is none: an unknown role is not left out, and a missing one not made up',
    (value) => {
      expect(parseRoleMap(value)).toBeUndefined();
    },
  );
});
