// Can a developer rely on the local cloud? Started, found again, killed, brought back: with a real MiniStack.
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTableCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';

import { localDown, localStatus, localUp, type LocalCloud } from '../../../cli/local/cloud.ts';
import { clientsOf, fill, readBack } from './contents.ts';
import { room, SHARED_VENV } from './rooms.ts';

const SLOW = { timeout: 60_000 };
const SNAPSHOT = 1500;

test('a second up returns the same cloud, and two at once start one server', SLOW, async () => {
  const folder = room();
  const [first, second] = await Promise.all([up(folder), up(folder)]);
  expect(second).toEqual(first);
  expect(await up(folder)).toEqual(first);
  expect(await localStatus(folder)).toMatchObject({ running: true, answers: true, cloud: { pid: first.pid } });
  expect(first.environment).toMatchObject({ AWS_ENDPOINT_URL: first.endpoint, AWS_PROFILE: undefined });
});

test.skipIf(process.platform !== 'linux')('all its sockets listen on 127.0.0.1', SLOW, async () => {
  const cloud = await up(room());
  const port = Number(new URL(cloud.endpoint).port);
  expect(listeners(cloud.pid).toSorted()).toEqual([`127.0.0.1:${port}`, `127.0.0.1:${cloud.mqttPort}`].toSorted());
});

test(
  'a killed cloud comes back on the same ports with its tables, items, objects, policies and authority',
  SLOW,
  async () => {
    const folder = room();
    const before = await up(folder);
    const filled = await fill(before);
    await sleep(SNAPSHOT);
    await kill(folder, before);
    const after = await up(folder);
    expect(after).toEqual({ ...before, pid: after.pid });
    expect(await readBack(after)).toEqual(filled);
  },
);

test('a stopped cloud comes back, a forgotten one does not', SLOW, async () => {
  const folder = room();
  const first = await filledCloud(folder);
  const { dynamodb } = clientsOf(first);
  await localDown(folder);
  expect(await localStatus(folder)).toEqual({ running: false });
  expect((await up(folder)).endpoint).toBe(first.endpoint);
  await dynamodb.send(new DescribeTableCommand({ TableName: 'devices' }));
  await localDown(folder, { forget: true });
  await up(folder);
  expect((await dynamodb.send(new ListTablesCommand())).TableNames).toEqual([]);
});

test('a saved state that cannot be read is put aside, and the cloud says that it starts empty', SLOW, async () => {
  const folder = room();
  const filled = await filledCloud(folder);
  await localDown(folder);
  writeFileSync(join(folder, 'state', 'services', 'iot.json'), '{"torn');
  const lines: string[] = [];
  const cloud = await up(folder, lines);
  expect(cloud.endpoint).toBe(filled.endpoint);
  expect(lines).toEqual([expect.stringMatching(/^the saved state of iot could not be read: .*state-unreadable$/)]);
  expect((await clientsOf(cloud).dynamodb.send(new ListTablesCommand())).TableNames).toEqual([]);
  expect(readdirSync(join(folder, 'state-unreadable', 'services'))).toContain('dynamodb.json');
});

function up(folder: string, lines: string[] = []): Promise<LocalCloud> {
  return localUp({ folder, venv: SHARED_VENV, progress: (line) => lines.push(line) });
}

async function filledCloud(folder: string): Promise<LocalCloud> {
  const cloud = await up(folder);
  await fill(cloud);
  return cloud;
}

async function kill(folder: string, { pid }: LocalCloud): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while ((await localStatus(folder)).running) await sleep(20);
}

// /proc/net/tcp: local address as little-endian hex, state 0A = listening, the socket's inode in the tenth column.
function listeners(pid: number): string[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).map((fd) => inodeOf(`/proc/${pid}/fd/${fd}`));
  const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inode !== undefined && inodes.includes(inode))
    .map(([, local = '']) => readable(local));
}

function inodeOf(descriptor: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(descriptor))?.[1];
  } catch {
    return undefined;
  }
}

function readable(local: string): string {
  const [address = '', port = ''] = local.split(':');
  const bytes = address.match(/../g)?.map((byte) => parseInt(byte, 16)) ?? [];
  return `${bytes.toReversed().join('.')}:${parseInt(port, 16)}`;
}
