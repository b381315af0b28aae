// Where do the tests of the local cloud run? In folders of their own; the installed MiniStack is shared, since
// installing it once more would take longer than all the tests.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

import { DEFAULT_FOLDER, localDown } from '../../../cli/local/cloud.ts';

export const SHARED_VENV = join(DEFAULT_FOLDER, 'venv');

/** A new folder, gone after the test together with the cloud that may run in it. */
export function room(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wardkey-local-'));
  onTestFinished(async () => {
    await localDown(folder, { forget: true });
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A folder for PATH in which `script` (sh) is every program of `names`. */
export function pathWith(names: readonly string[], script: string): string {
  const bin = join(room(), 'bin');
  mkdirSync(bin);
  for (const name of names) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
