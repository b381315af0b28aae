// Does a lock keep two commands apart, and not outlive its owner?
import { spawnSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { withLock } from '../../../cli/local/lock.ts';
import { room } from './rooms.ts';

test('one holder works at a time', async () => {
  const path = join(room(), 'lock');
  const events: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    events.push(`${name} begins`);
    await sleep(50);
    events.push(`${name} ends`);
  };
  await Promise.all([take(path, work('a')), take(path, work('b'))]);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('a lock whose owner was killed is broken', async () => {
  const path = lockOf(spawnSync(process.execPath, ['-v']).pid);
  expect(await take(path, () => Promise.resolve('taken'))).toBe('taken');
});

test('a lock that nobody has touched for long is broken, whoever has its pid now', async () => {
  const path = lockOf(process.pid);
  utimesSync(path, new Date(0), new Date(0));
  expect(await take(path, () => Promise.resolve('taken'))).toBe('taken');
});

test('failed work gives the lock back', async () => {
  const path = join(room(), 'lock');
  await expect(take(path, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await take(path, () => Promise.resolve('taken'))).toBe('taken');
});

function take<T>(path: string, work: () => Promise<T>): Promise<T> {
  return withLock(path, () => undefined, work);
}

function lockOf(pid: number): string {
  const path = join(room(), 'lock');
  mkdirSync(path);
  writeFileSync(join(path, 'pid'), String(pid));
  return path;
}
