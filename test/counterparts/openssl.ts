// How do the tests ask openssl? One command in one folder, its words and whether it was content.
import { spawnSync } from 'node:child_process';

import { counterpart } from '../counterparts.ts';

const program = counterpart('openssl')?.path;

export const present = program !== undefined;

export interface Answer {
  readonly ok: boolean;
  readonly text: string;
}

/** Runs in `folder`, so that file names stay short in what it says. */
export function openssl(folder: string, ...words: readonly string[]): Answer {
  const { status, stdout, stderr, error } = spawnSync(program ?? '', words, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { ok: status === 0, text: `${stdout}${stderr}` };
}
