// What does a kill leave? Whatever the station was doing, the same command finishes it, and nothing is made twice.
import type { ChildProcess } from 'node:child_process';
import { hash, randomInt, verify, X509Certificate } from 'node:crypto';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect, test } from 'vitest';

import { makeDevice, makeDevices } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation, readStation, type Station } from '../../../cli/station/station.ts';
import { newFolder } from '../folders.ts';
import { ended, start, whole, type Task } from './kills.ts';
import { contentsOf, expectMade, filesIn } from './station-files.ts';

test('init, killed at each step of writing, is finished by the next one and keeps each key and certificate', async () => {
  const steps = await killAtEachStep('init', join(newFolder(), 'none'), async (folder) => {
    const left = whole(contentsOf(folder));
    const station = await openStation(folder, 'acme');
    const after = contentsOf(folder);
    expect(after).toMatchObject(left);
    expect(Object.keys(after)).toHaveLength(5);
    expectMade(station, []);
  });
  expect(steps).toBe(5 * 3);
});

test('make, killed at each step of writing, is finished by the next one and keeps each key and certificate', async () => {
  const { folder: former } = await openStation(join(newFolder(), 'former'), 'acme');
  const steps = await killAtEachStep('make', former, async (folder) => {
    const left = whole(contentsOf(folder));
    const station = readStation(folder);
    await makeDevices(station, ['P1', 'P2'], () => undefined);
    expect(contentsOf(folder)).toMatchObject(left);
    expectMade(station, ['P1', 'P2']);
  });
  expect(steps).toBe(4 * 3);
});

test('deliver, killed at each step of writing, never leaves a signature beside a manifest that it does not fit', async () => {
  const station = await openStation(join(newFolder(), 'former'), 'acme');
  await makeDevices(station, ['P1', 'P2'], () => undefined);
  deliverLot(station, { product: 'pump', lot: 'lot-7', serials: ['P1', 'P2'] });
  const steps = await killAtEachStep('deliver', station.folder, (folder) => {
    const killed = readStation(folder);
    expect(fits(killed)).not.toBe(false);
    deliverLot(killed, { product: 'pump', lot: 'lot-7', serials: ['P1'], again: true });
    expect(fits(killed)).toBe(true);
    expect(filesIn(join(folder, 'shipping'))).toHaveLength(5);
    return Promise.resolve();
  });
  expect(steps).toBe(5 * 3);
});

test('make, killed twenty times at random, leaves each serial with one key and the one certificate of it', async () => {
  const station = await openStation(newFolder(), 'acme');
  const serials = Array.from({ length: 400 }, (_none, at) => `P${at}`);
  let told: Readonly<Record<string, string>> = {};
  for (let round = 0; round < 20; round += 1) {
    const child = start('count', station.folder, serials.length);
    await killAfter(child, randomInt(16));
    const left = whole(contentsOf(station.folder));
    // What was whole before the kill is as it was.
    expect(left).toMatchObject(told);
    told = left;
  }
  const results = await makeDevices(station, serials, () => undefined);
  expect(contentsOf(station.folder)).toMatchObject(told);
  expectMade(station, serials);
  const found = results.filter(({ making }) => making === 'found').length;
  expect(found).toBe(Object.keys(told).filter((file) => file.endsWith('device.pem')).length);
  await expect(makeDevice(station, 'P0')).rejects.toThrow('was made before');
});

test('of two runs at once the first to finish a device wins, and the other leaves it alone', async () => {
  const station = await openStation(newFolder(), 'acme');
  const serials = Array.from({ length: 40 }, (_none, at) => `P${at}`);
  const runs = [start('count', station.folder, 40), start('count', station.folder, 40)];
  // One may meet a draft of the other and end in a fault; it is run again.
  await Promise.all(runs.map(ended));
  await makeDevices(station, serials, () => undefined);
  expectMade(station, serials);
});

/** Kills `task` at step 1, 2, ... each time in a copy of `former`, until it lives; answers how many steps it has. */
async function killAtEachStep(task: Task, former: string, check: (folder: string) => Promise<void>): Promise<number> {
  for (let step = 1; ; step += 1) {
    const folder = join(newFolder(), 'station');
    if (existsSync(former)) cpSync(former, folder, { recursive: true });
    const { code, signal } = await ended(start(task, folder, step));
    expect([code, signal], `step ${step}`).toSatisfy(([c, s]) => c === 0 || s === 'SIGKILL');
    await check(folder);
    if (code === 0) return step - 1;
  }
}

/** Wherever it is by then: eight devices are under way at once, and the news takes a moment. */
async function killAfter(child: ChildProcess, devices: number): Promise<void> {
  const end = ended(child);
  const lines = createInterface({ input: child.stdout ?? expect.unreachable() });
  const told: string[] = [];
  for await (const line of lines) if (told.push(line) > devices) break;
  child.kill('SIGKILL');
  expect(await end).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Undefined: there is no signature. */
function fits(station: Station): boolean | undefined {
  const file = join(station.folder, 'shipping/lot-7/lot-7.jsonl');
  if (!existsSync(`${file}.jws`)) return undefined;
  const [header = '', , value = ''] = readFileSync(`${file}.jws`, 'utf8').trim().split('.');
  const { publicKey, raw } = new X509Certificate(readFileSync(station.signerFile));
  const { 'x5t#S256': named } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { 'x5t#S256': string };
  const signed = Buffer.from(`${header}.${readFileSync(file, 'utf8')}`);
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return named === hash('sha256', raw, 'base64url') && verify('sha256', signed, key, Buffer.from(value, 'base64url'));
}
