#!/usr/bin/env node
// What `npx wardkey` starts: the CLI, through the launcher, so that it works in a fresh clone too.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from './run.mjs';

const cli = join(dirname(fileURLToPath(import.meta.url)), '..', 'cli', 'wardkey.ts');
await run(['node', cli, ...process.argv.slice(2)]);
