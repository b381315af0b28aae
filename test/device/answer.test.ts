// What does a device take for a word of its service? What is as documented, on its own topics, and nothing else.
import { describe, expect, test } from 'vitest';

import { certificateTopic, readAnswer, type Topic } from '../../device/answer.ts';
import { ID } from './stage.ts';

const ISSUED = {
  kind: 'issued',
  requestId: 'a',
  certificate: 'AA',
  chain: ['AA', 'AA'],
  renewFrom: '2027-01-23T00:00:00.000Z',
};
const CONFIRMED = { kind: 'confirmed', certificateId: 'a'.repeat(64) };
const RENEW = { certificateId: 'a'.repeat(64), renewFrom: '2027-01-23T00:00:00.000Z' };
const REJECTED = { requestId: 'a', error: 'refused' };

function read(topic: string, body: object | string) {
  const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return readAnswer(ID, { topic, payload });
}

describe('a message', () => {
  test.for([
    ['accepted', ISSUED],
    ['accepted', CONFIRMED],
    ['rejected', REJECTED],
    ['renew', RENEW],
  ] as const)('%s %o is read, also with members that a later service adds', ([topic, body]) => {
    expect(read(certificateTopic(ID, topic), { ...body, later: 1 })).toEqual({ topic, body });
  });

  test.for([
    ['accepted', { ...ISSUED, kind: 'other' }],
    ['accepted', { ...ISSUED, certificate: 'A+/=' }],
    ['accepted', { ...ISSUED, chain: [] }],
    ['accepted', { ...ISSUED, chain: ['AA', 'AA', 'AA', 'AA'] }],
    ['accepted', { ...ISSUED, renewFrom: 'soon' }],
    ['accepted', { ...CONFIRMED, certificateId: 'A'.repeat(64) }],
    ['accepted', '{"kind":"confirmed","kind":"issued"}'],
    ['accepted', 'no JSON'],
    ['rejected', { requestId: 'a', error: 'other' }],
    ['renew', { ...RENEW, certificateId: 'short' }],
  ] as const)('%s %o is nothing', ([topic, body]) => {
    expect(read(certificateTopic(ID, topic), body)).toBeUndefined();
  });

  test('on a topic of another device, or of another kind, is nothing', () => {
    expect(read(certificateTopic('acme-0002', 'renew'), RENEW)).toBeUndefined();
    for (const topic of ['accepted', 'rejected', 'request', 'confirm'] satisfies Topic[])
      expect(read(certificateTopic(ID, topic), RENEW)).toBeUndefined();
  });

  test('larger than any answer is nothing', () => {
    const padded = (length: number) => JSON.stringify(RENEW).padEnd(length, ' ');
    expect(read(certificateTopic(ID, 'renew'), padded(32 * 1024))).toBeDefined();
    expect(read(certificateTopic(ID, 'renew'), padded(32 * 1024 + 1))).toBeUndefined();
  });
});
