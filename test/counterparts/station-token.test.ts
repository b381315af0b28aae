// Does a station with its keys in SoftHSM go on after a kill, its own or the token's, and what does its command line show?
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { makeDevices } from '../../cli/station/devices.ts';
import { shipLot } from '../../cli/station/shipping.ts';
import { openStation, readStation } from '../../cli/station/station.ts';
import { newFolder } from '../cli/folders.ts';
import { ended, start, whole } from '../cli/station/kills.ts';
import { contentsOf, expectMade, filesIn } from '../cli/station/station-files.ts';
import { checkLot, emptyToken, labelsIn, tokenUriOf } from '../cli/station/token-station.ts';
import {
  addSoftHsmToken,
  HAVE_P11_KIT,
  HAVE_SOFTHSM,
  makeSoftHsm,
  TokenServer,
  type TestToken,
} from '../contracts/certificate-signer-tokens.ts';
import { Cleanup } from '../contracts/local-aws.ts';

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

const FILES = ['authority.pem', 'signer.pem', 'station.json'];
const LOT = { product: 'pump', lot: 'lot-7', serials: ['P1', 'P2'] };
const silent = () => undefined;

describe.skipIf(!HAVE_SOFTHSM)('a station with its keys in SoftHSM', () => {
  let token: TestToken;
  let uri: string;

  beforeAll(() => {
    token = makeSoftHsm(cleanup);
    uri = tokenUriOf(token);
  });

  beforeEach(() => emptyToken(token));

  test('the command line shows where the keys are, the rate of making and no PIN', () => {
    const folder = join(newFolder(), 'station');
    const init = wardkey('init', folder, '--manufacturer', 'acme', '--signer', uri, '--json');
    expect(JSON.parse(init)).toMatchObject({ manufacturer: 'acme', token: uri });
    const made = wardkey('make', folder, '--count', '30', '--prefix', 'P');
    expect(made).toMatch(/\n30 devices: 30 made; \d+ a minute\n$/);
    const delivered = wardkey('deliver', folder, '--lot', 'lot-7', '--product', 'pump');
    expect(delivered).toMatch(/^30 devices in /);
    expect(checkLot(readStation(folder), join(folder, 'shipping/lot-7/lot-7.jsonl'))).toMatchObject({
      outcome: 'done',
    });
    const [pin = ''] = readFileSync(token.pinFile, 'utf8').split('\n');
    expect([init, made, delivered].join('')).not.toContain(pin);
  });

  test('init, killed at each step of writing or making a key, is finished by the next one and keeps each key', async () => {
    let steps = 0;
    for (let code: number | null = null; code !== 0; steps += 1) {
      addSoftHsmToken(`step ${steps}`);
      const fresh = { ...token, label: `step ${steps}` };
      const folder = join(newFolder(), 'station');
      const end = await ended(start('init', folder, steps + 1, tokenUriOf(fresh)));
      expect(end, `step ${steps}`).toSatisfy(({ code: c, signal }) => c === 0 || signal === 'SIGKILL');
      code = end.code;
      const left = existsSync(folder) ? whole(contentsOf(folder)) : {};
      const station = await openStation(folder, 'acme', tokenUriOf(fresh));
      const after = contentsOf(folder);
      expect(after, `step ${steps}`).toMatchObject(left);
      expect(Object.keys(after)).toEqual(FILES);
      expect(await labelsIn(fresh)).toEqual(['wardkey-acme-ca', 'wardkey-acme-manifest']);
      await makeDevices(station, ['P1'], silent);
      expectMade(station, ['P1']);
    }
    expect(steps - 1).toBe(3 * 3 + 2 * 2);
  });

  test('make, killed at random, leaves each serial with one key and the one certificate of it', async () => {
    const station = await openStation(newFolder(), 'acme', uri);
    const serials = Array.from({ length: 100 }, (_none, at) => `P${at}`);
    for (let round = 1; round <= 5; round += 1) {
      const child = start('count', station.folder, serials.length);
      child.stdout?.once('data', () => child.kill('SIGKILL'));
      await ended(child);
    }
    await makeDevices(station, serials, silent);
    expectMade(station, serials);
  });

  describe.skipIf(HAVE_SOFTHSM && !HAVE_P11_KIT)('behind a process that dies', () => {
    test('stops with whole devices, writes none as long as the token is gone, and goes on when it is back', async () => {
      const server = new TokenServer(token, cleanup);
      await server.start();
      const station = await openStation(newFolder(), 'acme', tokenUriOf(server.client));
      const serials = Array.from({ length: 300 }, (_none, at) => `P${at}`);
      let told = 0;
      let killed: Promise<void> | undefined;
      const run = makeDevices(station, serials, () => {
        told += 1;
        if (told === 20) killed = server.kill();
      });
      await expect(run).rejects.toThrow(/CKR_|expected one token/);
      await killed;
      const before = filesIn(station.folder);
      expect(before.filter((file) => file.endsWith('device.pem')).length).toBeLessThan(60);
      await expect(makeDevices(station, serials, silent)).rejects.toThrow(/CKR_|expected one token/);
      await expect(shipLot(station, LOT)).rejects.toThrow(/CKR_|expected one token/);
      expect(filesIn(station.folder)).toEqual(before);
      await server.start();
      await makeDevices(station, serials, silent);
      expectMade(station, serials);
      expect(checkLot(station, (await shipLot(station, LOT)).manifestFile)).toMatchObject({ outcome: 'done' });
    });
  });
});

function wardkey(...words: readonly string[]): string {
  const cwd = join(import.meta.dirname, '../..');
  return execFileSync(process.execPath, ['cli/wardkey.ts', 'station', ...words], { cwd, encoding: 'utf8' });
}
