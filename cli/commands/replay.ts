// `wardkey replay`: what would have been decided? A recorded event against the rows it met, offline.
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';

import { answering } from '../command.ts';
import { describeRefusal } from '../invoke.ts';
import { parseReplayFile, replayRegisterDevice, type Replay } from '../replay.ts';
import { colour, table, UsageError, type Answer } from '../terminal.ts';

export function addReplayCommand(program: Command): void {
  const replay = program.command('replay').description('replay an event file of events/ offline and show the verdict');
  answering(replay.argument('<file>', 'events/<step>/<case>.json'), async ([file = '']) => describe(await run(file)));
}

function run(file: string): Promise<Replay> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read "${file}"`, { cause: error });
  }
  return replayRegisterDevice(parseReplayFile(text));
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
