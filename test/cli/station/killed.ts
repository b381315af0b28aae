// A station's work in a process of its own, which ends by SIGKILL at its n-th step of writing:
//
//   node killed.ts init|make|deliver FOLDER N     N = 0 lives; else it dies at half a write, before or after a name is given
//   node killed.ts count FOLDER N                 makes N devices and tells each
//   node killed.ts init FOLDER N TOKEN            the same with keys in a token: a step is also before and after a key is made
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

import { makeDevices } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation, readStation } from '../../../cli/station/station.ts';

const [, , task = '', folder = '', number = '', token] = process.argv;
const { linkSync, renameSync, writeFileSync } = fs;
let steps = 0;

function isLast(): boolean {
  steps += 1;
  return task !== 'count' && steps === Number(number);
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function around<A extends readonly unknown[], R>(give: (...names: A) => R) {
  return (...names: A) => {
    if (isLast()) die();
    const given = give(...names);
    if (isLast()) die();
    return given;
  };
}

Object.assign(fs, {
  linkSync: around(linkSync),
  renameSync: around(renameSync),
  writeFileSync(file: number, text: string) {
    const torn = isLast();
    writeFileSync(file, torn ? text.slice(0, text.length / 2) : text);
    if (torn) die();
  },
});
syncBuiltinESMExports();

if (token !== undefined) {
  const { prototype } = (await import('pkcs11js')).default.PKCS11;
  const generate = Reflect.get(prototype, 'C_GenerateKeyPair') as (...words: unknown[]) => unknown;
  Object.assign(prototype, {
    C_GenerateKeyPair(...words: unknown[]) {
      return around(() => generate.apply(this, words))();
    },
  });
}

if (task === 'init') await openStation(folder, 'acme', token);
if (task === 'make') await makeDevices(readStation(folder), ['P1', 'P2'], () => undefined);
if (task === 'deliver')
  deliverLot(readStation(folder), { product: 'pump', lot: 'lot-7', serials: ['P1'], again: true });
if (task === 'count') {
  const serials = Array.from({ length: Number(number) }, (_none, at) => `P${at}`);
  await makeDevices(readStation(folder), serials, ({ device }) => process.stdout.write(`${device.serial}\n`));
}
