// The main job, told while it happens: devices are made, listed, owned or not, and each meets its first connect.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Json } from '../../shared/canonical.ts';
import type { Outcome } from '../../shared/outcome.ts';
import type { Broker } from '../../device/connect.ts';
import type { Deployment } from '../deployment.ts';
import { deliverLot } from '../station/shipping.ts';
import { makeDevices, type MadeDevice } from '../station/devices.ts';
import { openStation, type Station } from '../station/station.ts';
import { describeRefusal, performAct } from '../invoke.ts';
import { awaitReport, deliverManifest } from '../manifest.ts';
import type { Terminal } from '../terminal.ts';
import { foundAuthority } from './authority.ts';
import { makeReel, type Chip } from './chip-vendor.ts';
import { admit, refuse, stayUnheard, type Guest, type Row } from './first-connects.ts';
import { comeBackSpent, rotate } from './rotation.ts';
import { guestOf, makeClone, makeExpired, makeForeigner } from './guests.ts';

export interface Stage {
  /** As the operator sees it. */
  readonly deployment: Deployment;
  /** As the second person sees it, who approves. */
  readonly approver: Deployment;
  readonly broker: Broker;
  /** Where the factory keeps its keys. */
  readonly folder: string;
  readonly terminal: Terminal;
}

const MANUFACTURER = 'acme';
const OWNER = 'st-anna';
const CHIP_VENDOR = 'mchp';
const CHIPS = 3;
const PRODUCT = 'infusion-pump';

/** Each run makes new devices, so that each run shows first connects. */
export async function tellStory(stage: Stage): Promise<readonly Row[]> {
  const { terminal } = stage;
  const run = newRunId();
  terminal.say('\nManufacture');
  const station = await terminal.step('the factory has a device CA and a manifest signer', () =>
    openStation(join(stage.folder, 'factory'), MANUFACTURER),
  );
  const [owned, unowned, denied, unlisted] = await makePumps(stage, station, run);
  terminal.say('\nTrust and whitelist');
  await trust(stage, station, run);
  await importLot(stage, station, { lot: run, devices: [owned, unowned, denied] });
  const chip = await importReel(stage, run);
  await claim(stage, [owned.id, denied.id, chip.id]);
  await terminal.step(`${denied.id} was stolen on its way: the operator denies it for good`, async () =>
    accepted(await act(stage, 'change-standing', { kind: 'deny', device: denied.id, cause: 'stolen' })),
  );
  terminal.say("\nThe owner's own authority");
  await foundAuthority(stage, OWNER);
  terminal.say('\nFirst connects, MQTT over mutual TLS');
  const pump = guestOf(owned, 'listed, owned');
  const secured = { ...chip, what: 'chip, its CA unregistered' };
  const admitted = [await admit(stage, pump), await admit(stage, secured)] as const;
  terminal.say('\nRotation: keys of its own');
  const rotated = [await rotate(stage, pump, admitted[0]), await rotate(stage, secured, admitted[1])];
  await comeBackSpent(stage, pump);
  terminal.say('\nUninvited guests');
  return [
    ...rotated,
    await refuse(stage, guestOf(unlisted, 'same CA, not listed')),
    await refuse(stage, await makeClone(station, owned)),
    await refuse(stage, guestOf(unowned, 'listed, nobody owns it')),
    await refuse(stage, guestOf(denied, 'listed, denied')),
    await stayUnheard(stage, await makeExpired(station, `${run}E`)),
    await stayUnheard(stage, await makeForeigner(`${run}F`)),
  ];
}

type Pumps = readonly [MadeDevice, MadeDevice, MadeDevice, MadeDevice];

async function makePumps({ terminal }: Stage, station: Station, run: string): Promise<Pumps> {
  const serials = ['A', 'B', 'C', 'D'].map((letter) => `${run}${letter}`);
  const title = `the factory makes four pumps, ${run}A to D; D will be listed nowhere`;
  const made = await terminal.step(title, () => makeDevices(station, serials, () => undefined));
  return made.map(({ device }) => device) as unknown as Pumps;
}

async function trust(stage: Stage, station: Station, lot: string): Promise<void> {
  const anchor = (kind: string, file: string) => ({
    kind,
    manufacturer: MANUFACTURER,
    certificate: readFileSync(file, 'utf8'),
  });
  const terms = { kind: 'add-lot', manufacturer: MANUFACTURER, lot, product: PRODUCT, count: 3 };
  await performAll(stage, [
    [`owner ${OWNER} is known`, { kind: 'add-owner', owner: OWNER }],
    ['the device CA is registered with AWS IoT Core, SNI_ONLY', anchor('add-authority', station.authorityFile)],
    [`lot ${lot} is agreed with the manufacturer: ${terms.count} devices`, terms],
    ['the manifest signer is trusted, by its certificate hash', anchor('add-signer', station.signerFile)],
  ]);
}

/** Titles and acts, one after the other. */
async function performAll(stage: Stage, acts: readonly (readonly [string, Json])[]): Promise<void> {
  for (const [title, wanted] of acts) {
    await stage.terminal.step(title, async () => accepted(await act(stage, 'change-trust', wanted)));
  }
}

/** Chips of a vendor whose CA only the vendor can register: their certificates are known to the broker one by one. */
async function importReel(stage: Stage, lot: string): Promise<Omit<Guest, 'what'>> {
  const { terminal, deployment, folder } = stage;
  const reel = await terminal.step(
    `a chip vendor ships a reel of ${CHIPS} secure elements with its signed manifest`,
    () => makeReel(folder, lot, CHIPS),
  );
  const anchor = (kind: string, file: string) => ({
    kind,
    manufacturer: CHIP_VENDOR,
    certificate: readFileSync(file, 'utf8'),
  });
  const terms = { kind: 'add-lot', manufacturer: CHIP_VENDOR, lot, product: 'secure-element', count: CHIPS };
  await performAll(stage, [
    [`the reel is agreed as lot ${lot}`, terms],
    ["the vendor's root ends chains, and is registered nowhere", anchor('add-root', reel.rootFile)],
    ["the vendor's manifest signer is trusted", anchor('add-signer', reel.signerFile)],
  ]);
  await terminal.step(
    'the Microchip manifest is imported: each entry proves itself, each chain ends at the root',
    async () => {
      const report = await awaitReport(deployment, await deliverManifest(deployment, CHIP_VENDOR, reel.manifestFile));
      if (report.results?.['accepted'] !== CHIPS) throw new Error(`not imported: ${JSON.stringify(report)}`);
    },
  );
  const [chip] = reel.chips as readonly [Chip, ...Chip[]];
  return { id: `${CHIP_VENDOR}-${chip.serial}`, certificate: chip.certificate, key: chip.key };
}

interface ShippedLot {
  readonly lot: string;
  readonly devices: readonly MadeDevice[];
}

async function importLot(stage: Stage, station: Station, { lot, devices }: ShippedLot): Promise<void> {
  const serials = devices.map(({ serial }) => serial);
  const { manifestFile } = deliverLot(station, { product: PRODUCT, lot, serials });
  await stage.terminal.step('a signed manifest that lists A, B and C is delivered and imported', async () => {
    const delivered = await deliverManifest(stage.deployment, MANUFACTURER, manifestFile);
    const report = await awaitReport(stage.deployment, delivered);
    if (report.results?.['accepted'] !== devices.length)
      throw new Error(`not imported: ${JSON.stringify(report.refusal ?? report.lines)}`);
  });
}

async function claim(stage: Stage, devices: readonly string[]): Promise<void> {
  await stage.terminal.step(`the operator claims two pumps and a chip for ${OWNER}`, async () => {
    const wanted = { kind: 'claim-devices', owner: OWNER, devices };
    const answers = accepted(await act<readonly { result: string }[]>(stage, 'claim-devices', wanted));
    if (answers.some(({ result }) => result !== 'claimed')) throw new Error(`not claimed: ${JSON.stringify(answers)}`);
  });
}

function act<T>(
  { deployment }: Stage,
  step: 'change-trust' | 'change-standing' | 'claim-devices',
  wanted: Parameters<typeof performAct>[2],
) {
  return performAct<T>(deployment, step, wanted);
}

function accepted<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === 'done') return outcome.value;
  throw new Error(describeRefusal(outcome.refusal));
}

/** `P261124-221530-`: serial numbers of this run. */
function newRunId(): string {
  const digits = new Date(Date.now()).toISOString().replaceAll(/[-:]/g, '');
  return `P${digits.slice(2, 8)}-${digits.slice(9, 15)}`;
}
