// Is the password of kmsuser asked without showing it, and refused without quoting it?
import { PassThrough } from 'node:stream';

import { expect, test } from 'vitest';

import { readPassword } from '../../../cli/hsm/password.ts';
import { UsageError } from '../../../cli/terminal.ts';

/** A terminal on which somebody types, and what it shows. */
function typing(keys: string) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stderr = new PassThrough();
  stdin.write(keys);
  const shown = () => String(stderr.read() ?? '');
  return { streams: { stdin, stderr } as unknown as Parameters<typeof readPassword>[1], shown };
}

test('shows the question and a new line, and nothing of what is typed', async () => {
  const { streams, shown } = typing('Canary5150\r');
  expect(await readPassword(undefined, streams)).toBe('Canary5150');
  expect(shown()).toBe('password of kmsuser: \n');
});

test('what is typed wrong and taken back is not in it', async () => {
  const { streams } = typing('Canary5151\u007f0\r');
  expect(await readPassword(undefined, streams)).toBe('Canary5150');
});

test('one that KMS would not take is refused and not quoted', async () => {
  const { streams, shown } = typing('Canary!\r');
  const ran = readPassword(undefined, streams);
  await expect(ran).rejects.toThrow(UsageError);
  await expect(ran).rejects.not.toThrow('Canary');
  expect(shown()).not.toContain('Canary');
});
