// A station's work in a process of its own, which ends by SIGKILL at its n-th step of writing:
//
//   node killed.ts init|make|deliver FOLDER N     N = 0 lives; else it dies at half a write, before or after a name is given
//   node killed.ts count FOLDER N                 makes N devices and tells each
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

import { makeDevices } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation, readStation } from '../../../cli/station/station.ts';

const [, , task = '', folder = '', number = ''] = process.argv;
const { linkSync, renameSync, writeFileSync } = fs;
let steps = 0;

function isLast(): boolean {
  steps += 1;
  return task !== 'count' && steps === Number(number);
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function around<A extends readonly unknown[]>(give: (...names: A) => void) {
  return (...names: A) => {
    if (isLast()) die();
    give(...names);
    if (isLast()) die();
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

if (task === 'init') await openStation(folder, 'acme');
if (task === 'make') await makeDevices(readStation(folder), ['P1', 'P2'], () => undefined);
if (task === 'deliver')
  deliverLot(readStation(folder), { product: 'pump', lot: 'lot-7', serials: ['P1'], again: true });
if (task === 'count') {
  const serials = Array.from({ length: Number(number) }, (_none, at) => `P${at}`);
  await makeDevices(readStation(folder), serials, ({ device }) => process.stdout.write(`${device.serial}\n`));
}
