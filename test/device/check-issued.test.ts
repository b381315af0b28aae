// Which certificate does a device take for its own? One for its key and its name, under the owner's root.
import { describe, expect, test } from 'vitest';

import { checkIssued, type IssuedQuestion } from '../../device/check-issued.ts';
import { makeRequest } from '../../device/request.ts';
import { basic, keyIds, keyUsage, keysOf, nameOf, purposes, SERVER_AUTH, spkiOf } from '../pki/crafted.ts';
import { house, issue, OWNER, type Issuing } from './small-service.ts';
import { ID } from './stage.ts';

const REQUESTED = await makeRequest(ID);
const NOW = '2026-11-24T12:00:00.000Z';
const FOR_SERVERS = [
  basic(false),
  keyUsage('digitalSignature'),
  purposes(SERVER_AUTH),
  ...keyIds(keysOf(ID), OWNER.issuing.keys),
];
const PINNED = OWNER.root.der.toString('base64url');

function check(issuing: Issuing = {}, question: Partial<IssuedQuestion> = {}) {
  const { body } = issue(ID, Buffer.from(REQUESTED.csr, 'base64url'), issuing);
  const answer = { ...body, requestId: REQUESTED.requestId };
  return checkIssued({ id: ID, answer, requested: REQUESTED, pinned: PINNED, now: NOW, ...question });
}

function reasonOf(outcome: ReturnType<typeof checkIssued>): string {
  return outcome.outcome === 'done' ? 'taken' : outcome.refusal.reason;
}

describe('an issued certificate', () => {
  test('is taken with its renewal and its root', () => {
    expect(check()).toMatchObject({ outcome: 'done', value: { renewFrom: '2027-01-23T00:00:00.000Z', root: PINNED } });
  });

  test.for([
    ['of another key', { wishes: { spki: spkiOf(keysOf('somebody')) } }, 'key-differs'],
    ['of another name', { wishes: { subject: nameOf('acme-0002') } }, 'subject-differs'],
    ['of another root', { house: house('Stranger') }, 'path-unknown'],
    ['of another root with the same names', { house: sameNames() }, 'certificate-signature-invalid'],
    ['that has expired', { wishes: { notAfter: '2026-11-24T11:00:00Z' } }, 'certificate-expired'],
    ['of the future', { wishes: { notBefore: '2026-11-24T12:11:00Z' } }, 'certificate-not-yet-valid'],
    ['for a server', { wishes: { extensions: FOR_SERVERS } }, 'usage-differs'],
  ] as const)('%s is not', ([, issuing, reason]) => {
    expect(reasonOf(check(issuing))).toBe(reason);
  });

  test('of a clock that is a little ahead is taken', () => {
    expect(reasonOf(check({ wishes: { notBefore: '2026-11-24T12:09:00Z' } }))).toBe('taken');
  });

  test('what is no certificate is refused, wherever it stands', () => {
    const { body } = issue(ID, Buffer.from(REQUESTED.csr, 'base64url'));
    const answer = { ...body, requestId: REQUESTED.requestId };
    expect(reasonOf(check({}, { answer: { ...answer, certificate: 'AAAA' } }))).toBe('certificate-malformed');
    expect(reasonOf(check({}, { answer: { ...answer, chain: ['AAAA'] } }))).toBe('certificate-malformed');
    expect(reasonOf(check({}, { answer: { ...answer, chain: [] }, pinned: undefined }))).toBe('certificate-malformed');
  });

  test('at first sight the root of its chain is taken, if it signed itself', () => {
    const { body } = issue(ID, Buffer.from(REQUESTED.csr, 'base64url'));
    const answer = { ...body, requestId: REQUESTED.requestId };
    expect(check({}, { pinned: undefined })).toMatchObject({ outcome: 'done', value: { root: PINNED } });
    const short = { ...answer, chain: answer.chain.slice(0, 1) };
    expect(reasonOf(check({}, { answer: short, pinned: undefined }))).toBe('certificate-signature-invalid');
  });

  test.for([
    ['has passed', '2026-11-24T00:00:00.000Z'],
    ['comes after its end', '2027-03-01T00:00:00.000Z'],
  ])('a renewal whose time %s is at two thirds of its life', ([, renewFrom]) => {
    expect(check({ renewFrom: renewFrom ?? '' })).toMatchObject({ value: { renewFrom: '2027-01-23T00:00:00.000Z' } });
  });
});

/** A CA that calls itself as the owner's do. */
function sameNames() {
  const { root, issuing } = house('Ward');
  const other = keysOf('stranger');
  return { root, issuing: { ...issuing, keys: other } };
}
