// Does the notice of a first connect say what IoT Core documents, and is anything else turned away at the edge?
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseNotice } from '../../../../functions/onboarding/register-device/notice.ts';
import { ACCOUNT } from '../../scene.ts';

const CERTIFICATE = 'a'.repeat(64);
const EVENT = {
  certificateId: CERTIFICATE,
  caCertificateId: 'b'.repeat(64),
  timestamp: Date.parse('2026-11-24T12:00:00.000Z'),
  certificateStatus: 'PENDING_ACTIVATION',
  awsAccountId: ACCOUNT,
  certificateRegistrationTimestamp: '1795521600000',
};

test('reads a notice, and ignores members that AWS may add', () => {
  expect(parseNotice(JSON.stringify({ ...EVENT, added: true }), ACCOUNT)).toEqual({
    outcome: 'done',
    value: {
      event: 'registration',
      certificateId: CERTIFICATE,
      authorityId: 'b'.repeat(64),
      status: 'PENDING_ACTIVATION',
      connectedAt: '2026-11-24T12:00:00.000Z',
    },
  });
});

test('T043 refuses a notice of another AWS account', () => {
  const answer = parseNotice(JSON.stringify({ ...EVENT, awsAccountId: '210987654321' }), ACCOUNT);
  expect(answer).toEqual({
    outcome: 'refused',
    refusal: { reason: 'account-differs', expected: ACCOUNT, got: '210987654321' },
  });
});

const HOSTILE: readonly unknown[] = [
  { $ne: '' },
  { toString: 'a' },
  [CERTIFICATE],
  '../../../etc/passwd',
  'a'.repeat(10_240),
  CERTIFICATE.toUpperCase(),
  `${CERTIFICATE}\n`,
  ` ${CERTIFICATE}`,
  CERTIFICATE.slice(1),
  '',
  0,
  true,
  null,
];

test.each(HOSTILE.map((value) => [JSON.stringify(value).slice(0, 40), value]))(
  'T044 refuses %s as an id',
  (_name, value) => {
    for (const name of ['certificateId', 'caCertificateId']) {
      const answer = parseNotice(JSON.stringify({ ...EVENT, [name]: value }), ACCOUNT);
      expect(answer).toMatchObject({ outcome: 'refused', refusal: { reason: 'notice-malformed' } });
    }
  },
);

test.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a text', '"PENDING_ACTIVATION"'],
  ['no account', JSON.stringify({ ...EVENT, awsAccountId: undefined })],
  ['an account that is a number', JSON.stringify({ ...EVENT, awsAccountId: 123456789012 })],
  ['a time before 1970', JSON.stringify({ ...EVENT, timestamp: -1 })],
  ['a time beyond all dates', JSON.stringify({ ...EVENT, timestamp: 8_640_000_000_000_001 })],
  ['a time in text', JSON.stringify({ ...EVENT, timestamp: '1795521600000' })],
  ['a long status', JSON.stringify({ ...EVENT, certificateStatus: 'A'.repeat(65) })],
  ['nesting a hundred thousand deep', '['.repeat(100_000)],
])('T044 refuses %s as a notice', (_name, body) => {
  expect(parseNotice(body, ACCOUNT)).toMatchObject({ outcome: 'refused', refusal: { reason: 'notice-malformed' } });
});

test('T044 takes no member from a prototype and changes none', () => {
  const body = `{"__proto__": ${JSON.stringify(EVENT)}, "constructor": {"prototype": {"certificateId": "${CERTIFICATE}"}}}`;
  expect(parseNotice(body, ACCOUNT)).toMatchObject({ outcome: 'refused', refusal: { reason: 'notice-malformed' } });
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { certificateId?: string }).certificateId).toBeUndefined();
});

test('T044 answers every text with a value and never throws', () => {
  const hostileId = fc.jsonValue().map((certificateId) => JSON.stringify({ ...EVENT, certificateId }));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), hostileId), (body) => {
      expect(parseNotice(body, ACCOUNT).outcome).toBe('refused');
    }),
    { numRuns: 300 },
  );
});

test('names in a refusal the member that is wrong, and never its value', () => {
  const answer = parseNotice(JSON.stringify({ ...EVENT, certificateId: 'canary-5150' }), ACCOUNT);
  expect(JSON.stringify(answer)).toContain('certificateId');
  expect(JSON.stringify(answer)).not.toContain('canary-5150');
});
