// Are the terms of a lot checked before anything is asked of AWS? Wrong use of the command line ends in one line.
import { Command } from 'commander';
import { expect, test } from 'vitest';

import { addTrustCommands } from '../../cli/commands/trust.ts';
import { UsageError } from '../../cli/terminal.ts';

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
