// Are the terms of a lot checked before anything is asked of AWS? Wrong use of the command line ends in one line.
import { Command, CommanderError } from 'commander';
import { afterEach, describe, expect, test } from 'vitest';

import { addTrustCommands } from '../../cli/commands/trust.ts';
import { UsageError } from '../../cli/terminal.ts';
import { done } from '../../shared/outcome.ts';
import { closeStage, openStage } from './lambda-stage.ts';

function run(...args: readonly string[]): Promise<unknown> {
  const program = new Command();
  addTrustCommands(program);
  return program.parseAsync(['trust', 'lot', 'acme', 'L1', '--product', 'pump', ...args], { from: 'user' });
}

test.each(['0', '-1', '1.5', '1e3', '12345678', '', 'many', ' 7'])('a lot of "%s" devices is none', async (count) => {
  const ran = run(`--count=${count}`);
  await expect(ran).rejects.toThrow(UsageError);
  await expect(ran).rejects.toThrow(`--count "${count}"`);
});

test.each([['--first=A100'], ['--last=A199']])('a range of serial numbers with %s alone is none', async (end) => {
  const ran = run('--count=10', end);
  await expect(ran).rejects.toThrow(UsageError);
  await expect(ran).rejects.toThrow('--first and --last together');
});

test.each(['authority', 'root', 'signer', 'voucher-key'])(
  'a certificate for "%s" that cannot be read is named',
  async (kind) => {
    const program = new Command();
    addTrustCommands(program);
    const ran = program.parseAsync(['trust', kind, 'acme', 'absent.pem'], { from: 'user' });
    await expect(ran).rejects.toThrow(UsageError);
    await expect(ran).rejects.toThrow('cannot read "absent.pem"');
  },
);

describe('the wishes of an owner', () => {
  afterEach(closeStage);

  test.each<[options: string[], wishes: object]>([
    [['--on-clone', 'restrict', '--on-expiry', 'reset'], { onClone: 'restrict', onExpiry: 'reset' }],
    [['--on-clone', 'alarm'], { onClone: 'alarm' }],
    [['--on-clone', 'cut'], { onClone: 'cut' }],
    [['--on-expiry', 'refuse'], { onExpiry: 'refuse' }],
  ])('are asked for as they were said, and nothing beside: %j', async (options, wishes) => {
    const stage = openStage(addTrustCommands, done({ result: 'changed' }));
    expect(await stage.run('trust', 'owner-wishes', 'st-anna', ...options)).toBe('changed\n');
    expect(stage.asked).toEqual([
      { step: 'change-trust', act: { kind: 'set-owner-wishes', owner: 'st-anna', ...wishes } },
    ]);
  });

  test('that nobody says are a slip of the hand, and nothing is asked of AWS', async () => {
    const stage = openStage(addTrustCommands, done({ result: 'changed' }));
    await expect(stage.run('trust', 'owner-wishes', 'st-anna')).rejects.toThrow(UsageError);
    expect(stage.asked).toEqual([]);
  });

  test.each([
    ['--on-clone', 'deny'],
    ['--on-expiry', 'open'],
  ])('are those of the list only: %s %s', async (...options) => {
    const stage = openStage(addTrustCommands, done({ result: 'changed' }));
    await expect(stage.run('trust', 'owner-wishes', 'st-anna', ...options)).rejects.toThrow(CommanderError);
    expect(stage.asked).toEqual([]);
  });
});
