// Does every answer to a first connect come with two sentences that a technician understands?
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import {
  describeConnect,
  explain,
  FIRST_CONNECT_REASONS,
  shorten,
  when,
  type FirstConnect,
} from '../../cli/explain.ts';
import { parseReplayFile, replayRegisterDevice, type Replay } from '../../cli/replay.ts';
import { done, refused } from '../../shared/outcome.ts';
import { REASONS, type Refusal } from '../../shared/reasons.ts';

const ROOT = join(import.meta.dirname, '../..');
const EVENTS = join(ROOT, 'events/register-device');
const CASES = readdirSync(EVENTS);

/** Where a first connect can be refused. */
const STEP = 'functions/onboarding/register-device';
const DECIDING = [
  ...readdirSync(join(ROOT, STEP)).map((file) => `${STEP}/${file}`),
  'shared/identity/factory-certificate.ts',
  'shared/identity/revocation.ts',
  'shared/whitelist/admit.ts',
];

describe('the reasons that are explained', () => {
  test('are those that the step and its decisions name', () => {
    const named = DECIDING.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\breason: '([a-z-]+)'/g)].map(([, reason]) => reason),
    );
    // Why a certificate was revoked is a reason too, and none of a refusal.
    const refusals = named.filter((reason) => Object.hasOwn(REASONS, reason ?? ''));
    expect([...new Set(refusals)].sort()).toEqual([...FIRST_CONNECT_REASONS].sort());
  });

  test('are those of the recorded events, and so are the verdicts', async () => {
    const answers = await Promise.all(CASES.map(async (name) => answerOf(await replay(name))));
    const expected = [...FIRST_CONNECT_REASONS, 'admitted', 'repeated', 'ignored', 'reset'];
    expect([...new Set(answers)].sort()).toEqual(expected.sort());
  });
});

describe.each(CASES)('the explanation of %s', (name) => {
  test('is two statements in plain words', async () => {
    const { happened, toDo } = (await replay(name)).explanation;
    for (const statement of [happened, toDo]) {
      expect(statement).toMatch(/^[A-Z].*\.$/);
      expect(statement).not.toMatch(/undefined|null|NaN|\[object/);
      expect(statement).not.toMatch(JARGON);
      expect(statement).not.toMatch(/[0-9a-f]{17,}/);
      expect(statement).not.toMatch(/\d{4}-\d\d-\d\d(?! \d\d:\d\d UTC)/);
    }
  });

  test('takes no device from a patient', async () => {
    const { toDo } = (await replay(name)).explanation;
    const takings = toDo.split('. ').filter((sentence) => /switch it|out of use|off the network/i.test(sentence));
    for (const sentence of takings) expect(sentence).toContain('no patient depends on it');
  });

  test('names the device, and each time and short value that was compared', async () => {
    const { outcome, explanation } = await replay(name);
    if (outcome.outcome === 'done') return;
    const text = `${explanation.happened} ${explanation.toDo}`;
    for (const value of comparedIn(outcome.refusal)) expect(text).toContain(value);
  });
});

test('a device whose serial number looks like a hash is named in full', () => {
  const device = `chips-${'0123456789abcdef'.repeat(2)}`;
  expect(explain(refused({ reason: 'not-owned', device }), CONNECT).happened).toContain(device);
  expect(shorten(device)).toBe(device);
  expect(shorten('ab'.repeat(32))).toBe('abababababab…');
  expect(shorten('0123456789abcdef')).toBe('0123456789abcdef');
});

test('a time is a day and a minute in UTC', () => {
  expect(when('2026-11-24T12:00:02.000Z')).toBe('2026-11-24 12:00 UTC');
  expect(when('2026-11-24T12:00:00Z')).toBe('2026-11-24 12:00 UTC');
});

test('a device in quarantine reads by its level', () => {
  const quarantined = (level: string) => refused({ reason: 'quarantined', device: 'acme-P1001', level });
  expect(explain(quarantined('cut'), CONNECT).happened).toContain('may not connect');
  expect(explain(quarantined('restricted'), CONNECT).happened).toContain('before it was ever admitted');
});

test('a device that comes back outside of a window names both ways on: a window, or a copied key', () => {
  const refusal = refused({
    reason: 'factory-certificate-consumed',
    device: 'acme-P1001',
    operationalAt: '2026-11-20T10:06:00.000Z',
  });
  const { happened, toDo } = explain(refusal, CONNECT);
  expect(happened).toContain('since 2026-11-20 10:06 UTC');
  expect(happened).toContain('acme-P1001 stays as it is');
  expect(toDo).toContain('`wardkey device reset`');
  expect(toDo).toContain('copy of its key');
});

test('a device that begins anew is told that what it had has ended, and that nothing is to be done', () => {
  const { happened, toDo } = explain(done({ verdict: 'reset' }), { ...CONNECT, device: 'acme-P1001' });
  expect(happened).toContain('Device acme-P1001');
  expect(happened).toContain('have ended');
  expect(toDo).toContain('There is nothing to do.');
  expect(explain(done({ verdict: 'reset' }), CONNECT).happened).toMatch(/^This device /);
});

test('a listed certificate of a device that is kept under another one is no stranger', () => {
  const refusal = refused({ reason: 'not-listed', certificateId: 'a'.repeat(64) });
  const { happened } = explain(refusal, { ...CONNECT, device: 'acme-P1001' });
  expect(happened).toContain('acme-P1001');
  expect(explain(refusal, CONNECT).happened).toContain('on no delivery list');
});

test.each([
  ['registration', 'settled already'],
  ['presence', 'connected as it should be'],
] as const)('a repeated connect that asks nothing leaves nothing to do: %s', (event, state) => {
  const { happened, toDo } = explain(done({ verdict: 'repeated' }), { ...CONNECT, event, device: 'acme-P1001' });
  expect(happened).toContain('Device acme-P1001 was admitted before');
  expect(happened).toContain(state);
  expect(toDo).toBe('There is nothing to do.');
  expect(explain(done({ verdict: 'repeated' }), { ...CONNECT, event, asked: true }).toDo).toContain('connect again');
});

test('the certificate that opens the breaker says so beside its own reason', async () => {
  const [alone, last] = [await replay('another-key.json'), await replay('breaker-opens.json')];
  expect(last.explanation.happened).toContain(alone.explanation.happened);
  expect(last.explanation.happened).toContain('looks stolen');
  expect(last.explanation.toDo).toContain('cloud team now');
  expect(alone.explanation.happened).not.toContain('stolen');
});

test('a reason that no first connect has still gets its one sentence', () => {
  const { happened, toDo } = explain(refused({ reason: 'device-unknown', device: 'acme-P1001' }), CONNECT);
  expect(happened).toBe('no device with this id is listed.');
  expect(toDo).toBe('Ask your cloud team.');
});

test.each<[name: string, connect: Partial<FirstConnect>, sentence: string]>([
  [
    'no notice',
    { event: 'none' },
    '2026-11-24 12:00 UTC: a message came in that is no notice of a first connect here.',
  ],
  [
    'a listed certificate',
    { device: 'acme-P1001', product: 'pump' },
    '2026-11-24 11:59 UTC: device acme-P1001 (pump) came to AWS IoT Core with certificate cccccccccccc….',
  ],
  [
    'a certificate that is not listed',
    { event: 'presence' },
    '2026-11-24 11:59 UTC: a device connected with certificate cccccccccccc…, which is not listed.',
  ],
])('the event is one sentence: %s', (_name, connect, sentence) => {
  expect(describeConnect({ ...CONNECT, ...connect })).toBe(sentence);
});

/** Words of those who build this, not of those who stand beside a pump. */
const JARGON =
  /spki|fingerprint|\bcrl|jitr|\bder\b|\bpem\b|x\.?509|sha-?256|dynamodb|\bhash|whitelist|anchor|broker|chain|\bCA\b|revo/i;

const CONNECT: FirstConnect = {
  event: 'registration',
  now: '2026-11-24T12:00:02.000Z',
  connectedAt: '2026-11-24T11:59:58.000Z',
  certificateId: 'c'.repeat(64),
  asked: false,
};

/** Of a hash its beginning, if it is told at all; levels and the time of a list are told in other words. */
function comparedIn({ reason, ...compared }: Refusal): readonly string[] {
  return Object.entries(compared)
    .filter(([name]) => !UNTOLD.has(`${reason} ${name}`))
    .map(([, value]) => (/^\d{4}-\d\d-\d\dT/.test(String(value)) ? when(String(value)) : shorten(String(value))));
}

/** What the technician needs not see: `describeConnect` tells the certificate, the verdict line tells the rest. */
const UNTOLD = new Set([
  'another-certificate got',
  'another-key got',
  'certificate-revoked issuer',
  'certificate-revoked serial',
  'crl-stale thisUpdate',
  'not-listed certificateId',
  'quarantined level',
]);

async function replay(name: string): Promise<Replay> {
  return replayRegisterDevice(parseReplayFile(readFileSync(join(EVENTS, name), 'utf8')));
}

function answerOf({ outcome }: Replay): string {
  return outcome.outcome === 'done' ? outcome.value.verdict : outcome.refusal.reason;
}
