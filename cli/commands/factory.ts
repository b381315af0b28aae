// `wardkey factory`: the station that makes keys, certificates and signed manifests (file keys; HSM keys come later).
import type { Command } from 'commander';

import { answering } from '../command.ts';
import { deliverLot } from '../factory/manifest.ts';
import { listSerials, makeDevice, openStation, readStation } from '../factory/station.ts';
import { colour, UsageError } from '../terminal.ts';

export function addFactoryCommands(program: Command): void {
  const factory = program.command('factory').description('a factory station with its keys in a folder');

  const init = factory
    .command('init')
    .description('make the manufacturer CA and the manifest signer, or find them made');
  init.argument('<folder>').requiredOption('--manufacturer <code>', 'manufacturer code: 2 to 16 a-z 0-9');
  answering<{ manufacturer: string }>(init, async ([folder = ''], { manufacturer }) => {
    const station = await openStation(folder, manufacturer);
    return {
      ok: true,
      json: station,
      text: `station of ${colour('bold', manufacturer)}: ${station.authorityFile}, ${station.signerFile}`,
    };
  });

  const make = factory.command('make').description('make a key and a factory certificate per serial number');
  make.argument('<folder>').argument('<serial...>');
  answering(make, async ([folder = '', ...serials], _options, terminal) => {
    const station = readStation(folder);
    const devices = [];
    for (const serial of serials)
      devices.push(await terminal.step(`making ${serial}`, () => makeDevice(station, serial)));
    return {
      ok: true,
      json: { devices },
      text: devices.map(({ id, certificateFile }) => `${id}  ${certificateFile}`).join('\n'),
    };
  });

  const deliver = factory.command('manifest').description('list devices of the station in a signed manifest');
  deliver.argument('<folder>').requiredOption('--lot <lot>').requiredOption('--product <product>');
  deliver.option('--serial <serial...>', 'list these only (default: all the station made)');
  answering<{ lot: string; product: string; serial?: string[] }>(deliver, ([folder = ''], { lot, product, serial }) => {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(lot)) throw new UsageError(`lot "${lot}": expected 1 to 64 A-Z a-z 0-9 . _ -`);
    const station = readStation(folder);
    const delivery = deliverLot(station, { lot, product, serials: serial ?? listSerials(station) });
    const text = `${delivery.devices} devices in ${delivery.manifestFile}, signature in ${delivery.signatureFile}`;
    return Promise.resolve({ ok: true, json: delivery, text });
  });
}
