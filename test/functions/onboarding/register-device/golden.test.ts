// Does each recorded event still get the recorded answer and leave the recorded evidence?
// events/register-device/<case>.json meets test/golden/register-device/<case>.json; UPDATE_GOLDEN=1 writes the latter.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';

import { parseReplayFile, replayRegisterDevice } from '../../../../cli/replay.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const EVENTS = join(ROOT, 'events/register-device');
const GOLDEN = join(ROOT, 'test/golden/register-device');

const CASES = readdirSync(EVENTS).filter((name) => name.endsWith('.json'));

test('has a golden file for every event, and an event for every golden file', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(12);
  expect(readdirSync(GOLDEN).sort()).toEqual([...CASES].sort());
});

test.each(CASES)('replays %s to the recorded outcome and evidence', async (name) => {
  const replay = await replayRegisterDevice(parseReplayFile(readFileSync(join(EVENTS, name), 'utf8')));
  const golden = join(GOLDEN, name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, await pretty(replay, golden));
  expect(JSON.parse(JSON.stringify(replay))).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
});

test('names each case after the answer it records', async () => {
  const answers = CASES.map(async (name) => {
    const { outcome } = await replayRegisterDevice(parseReplayFile(readFileSync(join(EVENTS, name), 'utf8')));
    return `${outcome.outcome === 'done' ? outcome.value.verdict : outcome.refusal.reason}.json`;
  });
  expect(await Promise.all(answers)).toEqual(CASES);
});

async function pretty(value: unknown, filepath: string): Promise<string> {
  return format(JSON.stringify(value), { ...(await resolveConfig(filepath)), parser: 'json' });
}
