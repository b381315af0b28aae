// Is a process that only has the number of our killed server left alone?
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { localDown, localStatus, localUp } from '../../../cli/local/cloud.ts';
import { room, SHARED_VENV } from './rooms.ts';

test('a foreign process with the pid of a killed server is neither taken for it nor stopped', async () => {
  const folder = room();
  const foreign = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
  onTestFinished(() => void foreign.kill());
  writeFileSync(join(folder, 'server.json'), recordOf(foreign.pid));
  expect(await localStatus(folder)).toEqual({ running: false });
  await localDown(folder);
  expect(foreign.exitCode ?? foreign.signalCode).toBeNull();
});

test('a torn record of a killed server does not keep the next one from starting', { timeout: 60_000 }, async () => {
  const folder = room();
  writeFileSync(join(folder, 'server.json'), '{"pid":');
  writeFileSync(join(folder, 'ports.json'), '{');
  const cloud = await localUp({ folder, venv: SHARED_VENV, progress: () => undefined });
  expect(await localStatus(folder)).toMatchObject({ answers: true, cloud: { pid: cloud.pid } });
});

test('a server of another build is replaced, with its state', { timeout: 60_000 }, async () => {
  const folder = room();
  const options = { folder, venv: SHARED_VENV, progress: () => undefined };
  const first = await localUp(options);
  writeFileSync(join(folder, 'server.json'), recordOf(first.pid, Number(new URL(first.endpoint).port), first.mqttPort));
  const second = await localUp(options);
  expect(second).toEqual({ ...first, pid: second.pid });
  expect(second.pid).not.toBe(first.pid);
});

function recordOf(pid: number | undefined, httpPort = 1, mqttPort = 2): string {
  return JSON.stringify({ pid, httpPort, mqttPort, build: 'another' });
}
