// `wardkey station`: makes keys, certificates and signed deliveries, with the station's own keys in files or in a token.
import type { Command } from 'commander';

import { answering } from '../command.ts';
import { makeDevices, type MadeNow } from '../station/devices.ts';
import { perMinute, withBar } from '../station/progress-bar.ts';
import { chooseSerials, type SerialsAsked } from '../station/serials.ts';
import { shipLot } from '../station/shipping.ts';
import { openStation, readStation } from '../station/station.ts';
import { surveyStation, undeliveredSerials, type Survey } from '../station/survey.ts';
import { colour, plain, table, type Terminal } from '../terminal.ts';

export function addStationCommands(program: Command): void {
  const station = program
    .command('station')
    .description('a factory station: a folder, and its two keys in files or an HSM');
  addInit(station);
  addMake(station);
  addDeliver(station);
  addShow(station);
}

function addInit(station: Command): void {
  const init = station.command('init').argument('<folder>');
  init.description('make the manufacturer CA and the manifest signer, or find them made');
  init.requiredOption('--manufacturer <code>', 'manufacturer code: 2 to 16 a-z 0-9');
  init.option('--signer <uri>', 'pkcs11: URI of the token that holds the two keys (default: files in the folder)');
  init.addHelpText('after', TOKEN_HELP);
  answering<{ manufacturer: string; signer?: string }>(init, async ([folder = ''], { manufacturer, signer }) => {
    const opened = await openStation(folder, manufacturer, signer);
    const keys = opened.token === undefined ? 'keys in files' : 'keys in a token';
    const text = `station of ${colour('bold', manufacturer)}, ${keys}: ${opened.authorityFile}, ${opened.signerFile}`;
    return { ok: true, json: opened, text };
  });
}

function addMake(station: Command): void {
  const make = station.command('make').argument('<folder>').argument('[serial...]');
  make.description('make a key and a factory certificate for each serial number; run it again after a kill');
  make.option('--serials <file>', 'serial numbers from a file, one a line');
  make.option('--count <n>', 'so many, counted: with --prefix P, P000001 and on');
  make.option('--prefix <text>', 'what stands before the counted number');
  make.option('--from <n>', 'the first counted number (default: 1)');
  answering<Omit<SerialsAsked, 'given'>>(make, async ([folder = '', ...given], options, terminal) => {
    const opened = readStation(folder);
    const serials = chooseSerials({ ...options, given });
    const started = performance.now();
    const made = await makeDevicesTold(serials, terminal, (told) => makeDevices(opened, serials, told));
    const rate = rateOf(made, performance.now() - started);
    const devices = made.map(({ device, making }) => ({ ...device, making }));
    return { ok: true, json: { devices, perMinute: rate }, text: sum(made, rate) };
  });
}

function makeDevicesTold(
  serials: readonly string[],
  terminal: Terminal,
  make: (told: () => void) => Promise<readonly MadeNow[]>,
) {
  const title = `making ${serials.length} device${serials.length === 1 ? '' : 's'}`;
  return withBar({ title, total: serials.length, terminal, work: make });
}

function addDeliver(station: Command): void {
  const deliver = station.command('deliver').argument('<folder>');
  deliver.description('lay out a lot for shipping: signed manifest, certificates, README');
  deliver.requiredOption('--lot <lot>').requiredOption('--product <product>');
  deliver.option('--serial <serial...>', 'list these only (default: all that no other lot lists)');
  deliver.option('--again', 'replace a lot that was delivered with other devices');
  answering<{ lot: string; product: string; serial?: string[]; again?: true }>(
    deliver,
    async ([folder = ''], options) => {
      const { lot, serial, again = false } = options;
      const opened = readStation(folder);
      const serials = serial ?? undeliveredSerials(opened, lot);
      const delivery = await shipLot(opened, { lot, product: options.product, serials, again });
      const text = `${delivery.devices} devices in ${delivery.manifestFile}, signature in ${delivery.signatureFile}`;
      return { ok: true, json: delivery, text };
    },
  );
}

function addShow(station: Command): void {
  const show = station.command('show').argument('<folder>').description('certificates, devices made, lots delivered');
  answering(show, ([folder = '']) => {
    const survey = surveyStation(readStation(folder));
    return Promise.resolve({ ok: true, json: survey, text: describe(survey) });
  });
}

/** A device that was made before costs next to nothing: it is left out. */
function rateOf(made: readonly MadeNow[], milliseconds: number): number {
  return perMinute(made.filter(({ making }) => making !== 'found').length, milliseconds);
}

/** Each of a few, the sum of many. */
function sum(made: readonly MadeNow[], rate: number): string {
  if (made.length <= FEW)
    return made.map(({ device, making }) => `${device.id}  ${device.certificateFile}  (${WORDS[making]})`).join('\n');
  const counted = Map.groupBy(made, ({ making }) => making);
  const parts = [...counted].map(([making, those]) => `${those.length} ${WORDS[making]}`);
  return `${made.length} devices: ${parts.join(', ')}; ${rate} a minute`;
}

function describe({ manufacturer, certificates, devices, lots }: Survey): string {
  const unfinished = devices.unfinished.length === 0 ? '' : `, ${devices.unfinished.length} unfinished`;
  const day = (time: string) => time.slice(0, 10);
  return [
    `station of ${colour('bold', manufacturer)}: ${devices.made.length} devices made${unfinished}`,
    table(
      ['certificate', 'SHA-256', 'valid from', 'to'],
      certificates.map(({ name, fingerprint, notBefore, notAfter }) => [
        name,
        fingerprint,
        day(notBefore),
        day(notAfter),
      ]),
    ),
    ...(lots.length === 0 ? ['no lot delivered'] : [describeLots(lots)]),
    ...devices.unfinished.map((serial) => plain(`unfinished: ${serial}`)),
  ].join('\n');
}

function describeLots(lots: Survey['lots']): string {
  return table(
    ['lot', 'product', 'devices', 'signed'],
    lots.map(({ lot, product, devices, signedAt }) => [lot, product, String(devices), signedAt ?? 'unfinished']),
  );
}

const FEW = 20;
const TOKEN_HELP = `
--signer 'pkcs11:token=Factory?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin'
names a PKCS #11 token (RFC 7512); quote it, for & and ; are the shell's too. The keys wardkey-<code>-ca and
wardkey-<code>-manifest are found in it or made in it, and cannot leave it. The PIN is read from its file only.
The folder remembers the URI; after a move of the token, say init again with the new one.`;
const WORDS = { made: 'made', finished: 'finished after an interruption', found: 'made before' } as const;
