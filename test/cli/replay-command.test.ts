// What does `wardkey replay` print? The event, the verdict, what it means, the evidence, and what is asked of the broker.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { addReplayCommand } from '../../cli/commands/replay.ts';
import { describeConnect } from '../../cli/explain.ts';
import { parseReplayFile, replayRegisterDevice, type Replay } from '../../cli/replay.ts';
import { UsageError } from '../../cli/terminal.ts';

const EVENTS = join(import.meta.dirname, '../../events/register-device');
const CASES = readdirSync(EVENTS);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardkey-replay-'));
  // Colours are for terminals, of which whoever runs the tests may have one.
  vi.stubEnv('FORCE_COLOR', undefined);
  vi.stubEnv('NO_COLOR', '1');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

describe.each(CASES)('%s', (name) => {
  test('is told in order: the event, the verdict, what it means, what is to be done', async () => {
    const [event, verdict, happened, toDo] = (await print(join(EVENTS, name))).split('\n');
    const replay = await replayOf(name);
    expect(event).toBe(describeConnect(replay.connect));
    expect(verdict).toMatch(verdictOf(replay));
    expect(happened).toBe(`What happened: ${replay.explanation.happened}`);
    expect(toDo).toBe(`What to do: ${replay.explanation.toDo}`);
  });

  test('shows hashes whole in the table of evidence only', async () => {
    const text = await print(join(EVENTS, name));
    const rows = text.split('\n').filter((line) => line.startsWith('│'));
    for (const { stream, seq } of (await replayOf(name)).entries)
      expect(rows.filter((row) => row.includes(`${stream} #${seq} `))).toHaveLength(1);
    const told = text.split('\n').filter((line) => !line.startsWith('│'));
    expect(told.join('\n')).not.toMatch(/[0-9a-f]{17,}/);
  });

  test('exits with 0 when something was done, with 1 when it was refused', async () => {
    await print(join(EVENTS, name));
    expect(process.exitCode).toBe((await replayOf(name)).outcome.outcome === 'done' ? 0 : 1);
  });
});

test.each<[name: string, lines: readonly string[]]>([
  ['admitted.json', ['Asked of AWS IoT Core:', '  - see to it that device acme-P1001 is let in']],
  [
    'reset.json',
    [
      'Asked of AWS IoT Core:',
      '  - forget the certificate of the factory that device acme-P1001 showed: its next connect is a first one',
      '  - take certificate HASH away: it has ended',
    ],
  ],
  ['retired.json', ['Asked of AWS IoT Core:', '  - revoke certificate HASH for good']],
  ['notice-malformed.json', ['no entry', 'Nothing is asked of AWS IoT Core.']],
  [
    'not-listed.json',
    [
      'Asked of AWS IoT Core:',
      '  - let certificate HASH wait until 2026-12-24 12:00 UTC, and forget it then if it still waits: its next connect is a first one again',
    ],
  ],
  ['another-key.json', ['Asked of AWS IoT Core:', '  - revoke certificate HASH for good']],
  [
    'breaker-opens.json',
    [
      'Asked of AWS IoT Core:',
      '  - take in no new certificate of the authority HASH for 15 minutes: it looks stolen',
      '  - revoke certificate HASH for good',
    ],
  ],
])('%s ends with what is asked of the broker, in words', async (name, lines) => {
  const text = (await print(join(EVENTS, name))).trimEnd().split('\n');
  const last = text.slice(-lines.length).map((line) => line.replace(/[0-9a-f]{12}…/, 'HASH'));
  expect(last).toEqual(lines);
});

test('keeps the structured answer in JSON, with the explanation as members', async () => {
  for (const name of ['admitted.json', 'another-key.json']) {
    const answer = JSON.parse(await print(join(EVENTS, name), '--json')) as Replay;
    expect(answer).toEqual(JSON.parse(JSON.stringify(await replayOf(name))));
    expect(Object.keys(answer.explanation)).toEqual(['happened', 'toDo']);
  }
});

test.each(['admitted.json', 'not-owned.json'])('does not let a name in %s steer the terminal', async (name) => {
  const text = readFileSync(join(EVENTS, name), 'utf8').replaceAll('acme-P1001', String.raw`acme\u001b[2J`);
  const file = join(folder, name);
  writeFileSync(file, text.replaceAll('infusion-pump', String.raw`pump\u009b2J`));
  const printed = await print(file);
  expect(printed).toContain(String.raw`acme\u001b[2J`);
  expect(printed).toContain(String.raw`pump\u009b2J`);
  expect(printed).not.toMatch(/[\u001b\u009b]/);
});

test('names a file that it cannot read', async () => {
  const reading = print('absent.json');
  await expect(reading).rejects.toThrow(UsageError);
  await expect(reading).rejects.toThrow('cannot read "absent.json"');
});

test.each(['{', '{}', '{"event":{}}', '[]'])('names a file that is no recorded event: %s', async (text) => {
  const file = join(folder, 'other.json');
  writeFileSync(file, text);
  expect(await print(file)).toBe(`"${file}" is not a recorded event: expected { event, world } as in events/\n`);
  expect(process.exitCode).toBe(1);
});

async function print(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const program = new Command();
  addReplayCommand(program);
  await program.parseAsync(['replay', ...args], { from: 'user' }).finally(() => {
    spy.mockRestore();
  });
  return written.join('');
}

async function replayOf(name: string): Promise<Replay> {
  return replayRegisterDevice(parseReplayFile(readFileSync(join(EVENTS, name), 'utf8')));
}

function verdictOf({ outcome }: Replay): RegExp {
  return outcome.outcome === 'done'
    ? new RegExp(`^done: ${outcome.value.verdict}`)
    : new RegExp(`^refused: ${outcome.refusal.reason}: `);
}
