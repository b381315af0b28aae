// Do the machine's own clock and randomness, and the fakes of them, have the form that the ports promise?
import { describe, expect, test } from 'vitest';

import { nodeClock } from '../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../shared/aws/node-randomness.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FixedClock } from '../fakes/fixed-clock.ts';

describe.each([
  ['of the machine', nodeClock],
  ['of the tests', new FixedClock()],
])('the clock %s', (_name, clock) => {
  test('tells UTC in ISO 8601 with milliseconds', () => {
    expect(clock.now()).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
  });

  test('a pause ends', async () => {
    await expect(clock.pause(1)).resolves.toBeUndefined();
  });
});

describe.each([
  ['of the machine', nodeRandomness],
  ['of the tests', new CountingRandomness()],
])('randomness %s', (_name, random) => {
  test('gives ids in the form of a version 4 UUID, each once', () => {
    const ids = Array.from({ length: 100 }, () => random.newId());
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('gives salts of 32 bytes, each once', () => {
    const salts = Array.from({ length: 100 }, () => random.newSalt());
    expect(salts.every((salt) => salt.length === 32)).toBe(true);
    expect(new Set(salts.map((salt) => Buffer.from(salt).toString('hex'))).size).toBe(100);
  });
});

test('the fixed clock passes its pauses at once and remembers them', async () => {
  const clock = new FixedClock('2026-11-24T12:00:00.000Z');
  await clock.pause(1500);
  clock.advance(500);
  expect(clock.now()).toBe('2026-11-24T12:00:02.000Z');
  expect(clock.pauses).toEqual([1500]);
});
