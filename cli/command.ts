// What have all commands in common? --json, an answer, an exit code; those that talk to AWS say where.
import { Option, type Command } from 'commander';

import { openTerminal, type Answer, type Terminal } from './terminal.ts';

/** `args` are the command's arguments in order, a repeated last one flattened. */
type Action<O> = (args: readonly string[], options: O, terminal: Terminal) => Promise<Answer>;

/** Adds --json and runs the action; its answer is printed and becomes the exit code. */
export function answering<O extends object>(command: Command, action: Action<O>): Command {
  return command.option('--json', 'print one JSON document').action(async (...parameters: unknown[]) => {
    const args = parameters.slice(0, -2).flat() as string[];
    const options = parameters.at(-2) as O & { readonly json?: true };
    const json = options.json === true;
    const answer = await action(args, options, openTerminal(json));
    process.stdout.write(json ? `${JSON.stringify(answer.json, null, 2)}\n` : `${answer.text}\n`);
    process.exitCode = answer.ok ? 0 : 1;
  });
}

/** Where a command finds its deployment. */
export interface PlaceOptions {
  readonly local?: true;
  readonly prefix: string;
  readonly region?: string;
}

export function withPlace(command: Command): Command {
  return command
    .option('--local', 'use the local cloud of this checkout (wardkey local up)')
    .addOption(new Option('--prefix <name>', 'name of the deployment').default('wardkey'))
    .option('--region <region>', 'AWS Region (default: AWS_REGION)');
}
