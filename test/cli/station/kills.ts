// How is a station at work killed? It runs in a process of its own (killed.ts), and whoever looks takes what is left.
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

export type Task = 'init' | 'make' | 'deliver' | 'count';

/** `token`: of a station that keeps its keys in one. */
export function start(task: Task, folder: string, number: number, token?: string): ChildProcess {
  const words = [join(import.meta.dirname, 'killed.ts'), task, folder, String(number)];
  const all = token === undefined ? words : [...words, token];
  return spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'ignore'] });
}

export async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
}

/** Drafts are nobody's. */
export function whole(contents: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(contents).filter(([file]) => !file.endsWith('.draft')));
}
