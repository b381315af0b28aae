// `wardkey replay`: what would have been decided? A recorded event against the rows it met, offline.
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';

import { answering } from '../command.ts';
import { describeRefusal } from '../invoke.ts';
import { parseReplayFile, replayRegisterDevice, type Replay, type ReplayFile } from '../replay.ts';
import { colour, table, UsageError, type Answer } from '../terminal.ts';

export function addReplayCommand(program: Command): void {
  const replay = program.command('replay').description('replay an event file of events/ offline and show the verdict');
  answering(replay.argument('<file>', 'events/<step>/<case>.json'), async ([file = '']) => {
    const recorded = parseOrNothing(readText(file));
    if (recorded !== undefined) return describe(await replayRegisterDevice(recorded));
    const json = { outcome: 'invalid', file };
    return { ok: false, json, text: `"${file}" is not a recorded event: expected { event, world } as in events/` };
  });
}

function parseOrNothing(text: string): ReplayFile | undefined {
  try {
    return parseReplayFile(text);
  } catch {
    return undefined;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read "${file}"`, { cause: error });
  }
}

function describe(replay: Replay): Answer {
  const { outcome, entries } = replay;
  const verdict =
    outcome.outcome === 'done'
      ? colour('green', `done: ${JSON.stringify(outcome.value)}`)
      : describeRefusal(outcome.refusal);
  const rows = entries.map(({ stream, seq, kind }) => [`${stream} #${seq}`, kind]);
  const evidence = rows.length === 0 ? 'no entry' : table(['entry', 'kind'], rows);
  return { ok: outcome.outcome === 'done', json: replay, text: `${verdict}\n${evidence}` };
}
