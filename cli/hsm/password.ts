// What is the password of kmsuser? From a file, or asked on the terminal without showing it; never an argument, which every
// process of the machine could read.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

import { isKeyStorePassword } from '../../shared/governance/key-store-plan.ts';
import { readText } from '../files.ts';
import { UsageError } from '../terminal.ts';

/** Throws before anything is asked of AWS when it is not one that KMS takes; the message does not quote it. */
export async function readPassword(file: string | undefined, streams: Streams = process): Promise<string> {
  const text = file === undefined ? await askHidden('password of kmsuser: ', streams) : readText(file);
  const password = text.replace(/\r?\n$/, '');
  if (isKeyStorePassword(password)) return password;
  throw new UsageError('the password of kmsuser: expected 7 to 32 letters and digits, and nothing else');
}

type Streams = Pick<NodeJS.Process, 'stdin' | 'stderr'>;

/** What is typed is written nowhere: the terminal is raw, and the reader's echo goes to `nowhere`. */
async function askHidden(question: string, { stdin, stderr }: Streams): Promise<string> {
  if (!stdin.isTTY) throw new UsageError('expected --password-file, or a terminal on which to ask for the password');
  const nowhere = new Writable({
    write(_chunk, _encoding, done) {
      done();
    },
  });
  stderr.write(question);
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
