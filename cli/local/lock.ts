// How do two commands at once avoid doing the same work twice? One does it, the other waits and then finds it done.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { tellIfSlow, type Progress } from './progress.ts';

/**
 * Runs `work` while holding the lock folder `path`. The holder touches it every second: a lock whose owner is gone,
 * or that nobody has touched for 15 seconds (the pid was given to another program), is broken.
 */
export async function withLock<T>(path: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  await tellIfSlow('waiting for another wardkey command to finish', progress, () => take(path));
  const beat = setInterval(() => {
    const now = new Date(Date.now());
    utimesSync(path, now, now);
  }, 1000);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(path, { recursive: true, force: true });
  }
}

async function take(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  while (!create(path)) {
    if (isStale(path)) rmSync(path, { recursive: true, force: true });
    else await sleep(100);
  }
}

// A crash between the two calls leaves a lock without an owner; it is broken after 15 seconds.
function create(path: string): boolean {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(path, 'pid'), String(process.pid));
  return true;
}

function isStale(path: string): boolean {
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (touched === undefined) return false;
  if (Date.now() - touched > 15_000) return true;
  const owner = ownerOf(path);
  return owner !== undefined && !isAlive(owner);
}

function ownerOf(path: string): number | undefined {
  try {
    return Number(readFileSync(join(path, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
