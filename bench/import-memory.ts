// How much memory does an import of a million rows take? In a process of its own: `node bench/import-memory.ts ROWS`, with
// { authority, certificate } (base64 DER) on stdin; prints megabytes.
import { text } from 'node:stream/consumers';

import { anchorOf, importRows } from './import-rows.ts';

const MEGABYTE = 1024 * 1024;

const { authority, certificate } = JSON.parse(await text(process.stdin)) as Record<'authority' | 'certificate', string>;
let most = 0;
const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 100);
await importRows(Number(process.argv[2]), { anchor: anchorOf(Buffer.from(authority, 'base64')), certificate });
clearInterval(watch);
process.stdout.write(String(Math.round(most / MEGABYTE)));
