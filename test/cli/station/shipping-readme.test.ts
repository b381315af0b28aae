// Can whoever receives a delivery check it as its README says, with a shell and openssl, and nothing of ours?
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import { makeDevice } from '../../../cli/station/devices.ts';
import { deliverLot } from '../../../cli/station/shipping.ts';
import { openStation } from '../../../cli/station/station.ts';
import { present } from '../../counterparts/openssl.ts';
import { newFolder } from '../folders.ts';

let folder: string;
let readme: string;

beforeEach(async () => {
  const station = await openStation(newFolder(), 'acme');
  await makeDevice(station, 'P1001');
  const delivery = deliverLot(station, { product: 'infusion pump', lot: 'lot-7', serials: ['P1001'] });
  // Away from the station: it must do by itself.
  folder = newFolder();
  cpSync(delivery.folder, folder, { recursive: true });
  readme = readFileSync(join(folder, 'README.txt'), 'utf8');
});

test('says what each file is', () => {
  expect(readme).toMatch(/^Lot lot-7 of acme, product "infusion pump", devices: 1\n/);
  for (const file of ['lot-7.jsonl', 'lot-7.jsonl.jws', 'signer.pem', 'authority.pem'])
    expect(readme).toMatch(new RegExp(`^${file}\n  the `, 'm'));
});

describe.skipIf(!present)('its commands, where openssl is here', () => {
  test('verify the signature, show the two fingerprints that it tells, and verify the signer', () => {
    const said = execFileSync('sh', ['-e', '-c', commands(readme)], { cwd: folder, encoding: 'utf8' });
    const [verdict, signer = '', authority = '', chain] = said.trim().split('\n');
    expect([verdict, chain]).toEqual(['Verified OK', 'signer.pem: OK']);
    expect(readme).toContain(`signed it: SHA-256 ${signer.split('=')[1] ?? '?'}\n`);
    expect(readme).toContain(`issued the devices: SHA-256 ${authority.split('=')[1] ?? '?'}\n`);
  });

  test('do not verify a manifest of which one byte was changed', () => {
    const manifest = readFileSync(join(folder, 'lot-7.jsonl'));
    manifest.writeUInt8(manifest.readUInt8(40) ^ 1, 40);
    writeFileSync(join(folder, 'lot-7.jsonl'), manifest);
    const { status, stdout } = spawnSync('sh', ['-e', '-c', commands(readme)], { cwd: folder, encoding: 'utf8' });
    expect([status, stdout]).toEqual([1, 'Verification failure\n']);
  });
});

function commands(text: string): string {
  const indented = text.split('\n').filter((line) => line.startsWith('    '));
  return indented.map((line) => line.slice(4)).join('\n');
}
