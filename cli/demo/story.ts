// The main job, told while it happens: one listed device is admitted, one unlisted is refused.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { isRegistered } from '../../shared/lifecycle.ts';
import type { Json } from '../../shared/canonical.ts';
import type { Outcome } from '../../shared/outcome.ts';
import { REASONS } from '../../shared/reasons.ts';
import { connectOnce, onboard, type Broker, type Identity } from '../../device/connect.ts';
import type { Deployment } from '../deployment.ts';
import type { Dossier } from '../dossier.ts';
import { deliverLot } from '../station/shipping.ts';
import { makeDevice, type MadeDevice } from '../station/devices.ts';
import { openStation, type Station } from '../station/station.ts';
import { describeRefusal, invoke, performAct } from '../invoke.ts';
import { awaitReport, deliverManifest } from '../manifest.ts';
import type { Terminal } from '../terminal.ts';
import { makeReel } from './chip-vendor.ts';

export interface Stage {
  /** As the operator sees it. */
  readonly deployment: Deployment;
  readonly broker: Broker;
  /** Where the factory keeps its keys. */
  readonly folder: string;
  readonly terminal: Terminal;
}

export interface Row {
  readonly device: string;
  readonly outcome: 'admitted' | 'refused';
  readonly reason: string;
  /** From the first connect to the recorded decision. */
  readonly milliseconds: number;
}

const MANUFACTURER = 'acme';
const OWNER = 'st-anna';
const CHIP_VENDOR = 'mchp';
const CHIPS = 3;
const LOT = { product: 'infusion-pump', count: 1 };

/** Each run makes two new devices, so that each run shows a first connect. */
export async function tellStory(stage: Stage): Promise<readonly Row[]> {
  const { terminal } = stage;
  const run = newRunId();
  terminal.say('\nManufacture');
  const station = await terminal.step('the factory has a device CA and a manifest signer', () =>
    openStation(join(stage.folder, 'factory'), MANUFACTURER),
  );
  const listed = await terminal.step(`the factory makes pump ${run}A and will list it`, () =>
    makeDevice(station, `${run}A`),
  );
  const unlisted = await terminal.step(`somebody makes pump ${run}B under the same CA and lists it nowhere`, () =>
    makeDevice(station, `${run}B`),
  );
  terminal.say('\nTrust and whitelist');
  await trust(stage, station, run);
  await importLot(stage, station, { lot: run, serial: listed.serial });
  await importReel(stage, run);
  await terminal.step(`the operator claims ${listed.id} for ${OWNER}`, async () => {
    const answers = accepted(await act<readonly { result: string }[]>(stage, 'claim-devices', claimOf(listed)));
    if (answers[0]?.result !== 'claimed') throw new Error(`not claimed: ${JSON.stringify(answers)}`);
  });
  terminal.say('\nFirst connects, MQTT over mutual TLS');
  return [await admitListed(stage, listed), await refuseUnlisted(stage, unlisted)];
}

async function trust(stage: Stage, station: Station, lot: string): Promise<void> {
  const anchor = (kind: string, file: string) => ({
    kind,
    manufacturer: MANUFACTURER,
    certificate: readFileSync(file, 'utf8'),
  });
  const acts = [
    [`owner ${OWNER} is known`, { kind: 'add-owner', owner: OWNER }],
    ['the device CA is registered with AWS IoT Core, SNI_ONLY', anchor('add-authority', station.authorityFile)],
    [
      `lot ${lot} is agreed with the manufacturer: ${LOT.count} device`,
      { kind: 'add-lot', manufacturer: MANUFACTURER, lot, ...LOT },
    ],
    ['the manifest signer is trusted, by its certificate hash', anchor('add-signer', station.signerFile)],
  ] as const;
  await performAll(stage, acts);
}

/** Titles and acts, one after the other. */
async function performAll(stage: Stage, acts: readonly (readonly [string, Json])[]): Promise<void> {
  for (const [title, wanted] of acts) {
    await stage.terminal.step(title, async () => accepted(await act(stage, 'change-trust', wanted)));
  }
}

/** Chips of a vendor whose CA only the vendor can register: their certificates are known to the broker one by one. */
async function importReel(stage: Stage, lot: string): Promise<void> {
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
}

async function importLot(
  stage: Stage,
  station: Station,
  { lot, serial }: { lot: string; serial: string },
): Promise<void> {
  const { manifestFile } = deliverLot(station, { product: LOT.product, lot, serials: [serial] });
  await stage.terminal.step(`a signed manifest that lists ${serial} only is delivered and imported`, async () => {
    const delivered = await deliverManifest(stage.deployment, MANUFACTURER, manifestFile);
    const report = await awaitReport(stage.deployment, delivered);
    if (report.results?.['accepted'] !== 1)
      throw new Error(`not imported: ${JSON.stringify(report.refusal ?? report.lines)}`);
  });
}

async function admitListed(stage: Stage, device: MadeDevice): Promise<Row> {
  const { terminal, broker } = stage;
  const started = Date.now();
  await terminal.step(`${device.id} connects and is closed: registered, not yet decided`, () =>
    expectClosed(broker, device),
  );
  await terminal.step(`${device.id} asks again and is accepted`, async () => {
    const connection = await onboard(broker, identityOf(device), { attempts: 40, firstPauseMs: 500, pause: briefly });
    if (connection.outcome === 'closed') throw new Error(`still closed: ${connection.problem}`);
    await connection.session.close();
  });
  const dossier = accepted(await invoke<Dossier>(stage.deployment, 'show-device', { subject: device.id }));
  if (dossier.device === undefined || !isRegistered(dossier.device))
    throw new Error(`expected state registered: ${JSON.stringify(dossier.device)}`);
  const reason = `listed in ${dossier.listing?.lot ?? ''}, owned by ${dossier.device.owner}`;
  return {
    device: device.id,
    outcome: 'admitted',
    reason,
    milliseconds: Date.parse(dossier.device.registeredAt) - started,
  };
}

async function refuseUnlisted(stage: Stage, device: MadeDevice): Promise<Row> {
  const { terminal, broker } = stage;
  const started = Date.now();
  await terminal.step(`${device.id} connects and is closed`, () => expectClosed(broker, device));
  const refusal = await terminal.step(`${device.id} is refused, and the refusal is recorded`, () =>
    awaitRefusal(stage, fingerprintOf(device)),
  );
  await terminal.step(`${device.id} asks again and stays out`, () => expectClosed(broker, device));
  const reason = `${refusal.reason}: ${REASONS[refusal.reason].sentence}`;
  return { device: device.id, outcome: 'refused', reason, milliseconds: Date.parse(refusal.at) - started };
}

async function awaitRefusal(stage: Stage, subject: string) {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const outcome = await invoke<Dossier>(stage.deployment, 'show-device', { subject });
    const [refusal] = outcome.outcome === 'done' ? outcome.value.refusals : [];
    if (refusal !== undefined) return refusal;
    await setTimeout(500);
  }
  throw new Error('no decision after 30 seconds');
}

async function expectClosed(broker: Broker, device: MadeDevice): Promise<void> {
  const connection = await connectOnce(broker, identityOf(device));
  if (connection.outcome === 'closed') return;
  await connection.session.close();
  throw new Error(`${device.id} was let in`);
}

function act<T>(
  { deployment }: Stage,
  step: 'change-trust' | 'claim-devices',
  wanted: Parameters<typeof performAct>[2],
) {
  return performAct<T>(deployment, step, wanted);
}

function accepted<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === 'done') return outcome.value;
  throw new Error(describeRefusal(outcome.refusal));
}

function claimOf({ id }: MadeDevice) {
  return { kind: 'claim-devices', owner: OWNER, devices: [id] };
}

function identityOf({ id, certificateFile, keyFile }: MadeDevice): Identity {
  return { id, certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

function fingerprintOf({ certificateFile }: MadeDevice): string {
  return new X509Certificate(readFileSync(certificateFile)).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** The demo's device is impatient: a real one waits longer each time. */
function briefly(milliseconds: number): Promise<void> {
  return setTimeout(Math.min(milliseconds, 1_000));
}

/** `P261124-221530-`: serial numbers of this run. */
function newRunId(): string {
  const digits = new Date(Date.now()).toISOString().replaceAll(/[-:]/g, '');
  return `P${digits.slice(2, 8)}-${digits.slice(9, 15)}`;
}
