// Does an approval take another principal, in time, over the very request that was shown, once?
import { describe, expect, test } from 'vitest';

import {
  APPROVAL_HOURS,
  approvalDigest,
  approvalKey,
  decideApproval,
  parseApproval,
  RELEASE,
  type Approval,
  type Approving,
} from '../../../shared/governance/approval.ts';
import { Fault } from '../../../shared/outcome.ts';

const ANN = 'arn:aws:iam::123456789012:user/ann';
const BEN = 'arn:aws:iam::123456789012:user/ben';
const EVE = 'arn:aws:iam::123456789012:user/eve';
const RELEASED = { kind: 'release-held' as const, devices: ['acme-A1', 'acme-A2'] };
const REQUEST: Approval = {
  version: 1,
  id: 'id-1',
  act: RELEASED,
  requester: ANN,
  expiresAt: '2026-11-25T12:00:00.000Z',
};
const APPROVING: Approving = { approver: BEN, digest: approvalDigest(REQUEST), now: '2026-11-24T12:00:00.000Z' };

function refusalOf(approval: Approval, approving: Partial<Approving>) {
  const outcome = decideApproval(approval, { ...APPROVING, ...approving });
  return outcome.outcome === 'refused' ? outcome.refusal : undefined;
}

test('another principal approves: the next version names who', () => {
  expect(decideApproval(REQUEST, APPROVING)).toEqual({
    outcome: 'done',
    value: { ...REQUEST, version: 2, approver: BEN },
  });
});

test('T138 refuses the requester: nobody approves what they requested themselves', () => {
  expect(refusalOf(REQUEST, { approver: ANN })).toEqual({ reason: 'approver-is-requester', requester: ANN });
});

const session = (role: string, name: string) => `arn:aws:sts::123456789012:assumed-role/${role}/${name}`;

test.each([
  [session('operator', 'ann'), session('approver', 'ann')],
  [session('approver', 'ann'), session('operator', 'ann')],
  [ANN, session('approver', 'ann')],
  [session('approver', 'ann'), 'arn:aws:iam::123456789012:user/ward/ann'],
])('T134 refuses what %s requested to %s: two principals of one name are one person', (requester, approver) => {
  const request = { ...REQUEST, requester };
  expect(refusalOf(request, { approver, digest: approvalDigest(request) })).toEqual({
    reason: 'approver-is-requester',
    requester,
  });
});

test.each([
  [session('ward', 'ann'), session('ward', 'ben')],
  ['arn:aws:iam::123456789012:root', ANN],
])('T134 takes what %s requested from %s, who is another person', (requester, approver) => {
  const request = { ...REQUEST, requester };
  expect(refusalOf(request, { approver, digest: approvalDigest(request) })).toBeUndefined();
});

test('T138 refuses an expired request, to the millisecond', () => {
  expect(refusalOf(REQUEST, { now: REQUEST.expiresAt })).toBeUndefined();
  const now = '2026-11-25T12:00:00.001Z';
  expect(refusalOf(REQUEST, { now })).toEqual({ reason: 'approval-expired', expiresAt: REQUEST.expiresAt, now });
  expect(APPROVAL_HOURS).toBe(24);
});

test('refuses a request that was approved before, whoever did', () => {
  for (const approver of [ANN, BEN, EVE])
    expect(refusalOf({ ...REQUEST, approver }, {})).toEqual({ reason: 'approval-used', approval: 'id-1' });
});

test.each<[string, Approval]>([
  ['another device', { ...REQUEST, act: { ...RELEASED, devices: ['acme-A1', 'acme-A3'] } }],
  ['a device more', { ...REQUEST, act: { ...RELEASED, devices: [...RELEASED.devices, 'acme-A3'] } }],
  ['another requester', { ...REQUEST, requester: EVE }],
  ['another id', { ...REQUEST, id: 'id-2' }],
])('T138 refuses a request that is not the one that was shown: %s', (_title, changed) => {
  const expected = approvalDigest(changed);
  expect(expected).not.toBe(APPROVING.digest);
  expect(refusalOf(changed, {})).toEqual({ reason: 'approval-differs', expected, got: APPROVING.digest });
});

test('refuses an empty digest, and one in capital letters', () => {
  for (const digest of ['', APPROVING.digest.toUpperCase()])
    expect(refusalOf(REQUEST, { digest })).toMatchObject({ reason: 'approval-differs' });
});

describe('row', () => {
  test.each([REQUEST, { ...REQUEST, version: 2, approver: BEN }])('comes back as it was: %j', (approval) => {
    expect(parseApproval(JSON.parse(JSON.stringify(approval)))).toEqual(approval);
  });

  test.each([
    undefined,
    { ...REQUEST, version: 0 },
    { ...REQUEST, requester: undefined },
    { ...REQUEST, expiresAt: 'tomorrow' },
    { ...REQUEST, approver: null },
    { ...REQUEST, act: { kind: 'erase-everything', devices: ['acme-A1'] } },
    { ...REQUEST, act: { ...RELEASED, owner: 'x' } },
    { ...REQUEST, act: { ...RELEASED, devices: [] } },
  ])('that is not as written is a fault, never an approval: %j', (row) => {
    expect(() => parseApproval(row)).toThrow(Fault);
  });

  test('a release names 1 to 25 devices, what one transaction can release', () => {
    const devices = Array.from({ length: 26 }, (_, index) => `acme-A${index}`);
    const allows = (ids: readonly string[]) => RELEASE.safeParse({ kind: 'release-held', devices: ids }).success;
    expect([[], devices.slice(25), devices.slice(1), devices].map(allows)).toEqual([false, true, true, false]);
  });

  test('each request has a place of its own', () => {
    expect(approvalKey('id-1')).not.toEqual(approvalKey('id-2'));
  });
});
