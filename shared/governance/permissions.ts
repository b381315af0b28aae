// Who may perform which act? The one permission table; principals are mapped to roles when the stacks are deployed.
import * as z from 'zod';

import { done, refused, type Outcome } from '../outcome.ts';

export type Role = 'operator' | 'approver';

export const PERMISSIONS = {
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
  // Two approvers: nobody lifts what nobody else looked at.
  'request-lift': ['approver'],
  'request-authority': ['operator'],
  'create-authority': ['operator'],
  'request-release': ['operator', 'approver'],
  approve: ['approver'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;

export type ActKind = keyof typeof PERMISSIONS;

/** ARNs of IAM principals per role; `arn:…:assumed-role/NAME/*` stands for every session of a role. */
export type RoleMap = Readonly<Record<Role, readonly string[]>>;

const ROLE_MAP = z.strictObject({ operator: z.array(z.string()), approver: z.array(z.string()) });
const ANY_SESSION = /^(arn:[a-z-]+:sts::\d{12}:assumed-role\/[\w+=,.@-]+\/)\*$/;

/** Undefined when the text is no role map: then nobody may do anything. */
export function parseRoleMap(value: unknown): RoleMap | undefined {
  return ROLE_MAP.safeParse(value).data;
}

/** Nobody has a role by default, and no role may do what the table does not name. */
export function decidePermission(act: ActKind, principal: string, roles: RoleMap): Outcome<Role> {
  const role = PERMISSIONS[act].find((name) => roles[name].some((pattern) => matches(principal, pattern)));
  return role === undefined ? refused({ reason: 'not-permitted', act, principal }) : done(role);
}

function matches(principal: string, pattern: string): boolean {
  const sessionsOf = ANY_SESSION.exec(pattern)?.[1];
  if (sessionsOf === undefined) return principal === pattern;
  return principal.startsWith(sessionsOf) && principal.length > sessionsOf.length;
}
