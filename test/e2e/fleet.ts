// Which devices do the end-to-end tests have? Real certificates from a real factory station, connected by real TLS.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import type { Deployment } from '../../cli/deployment.ts';
import { deliverLot } from '../../cli/station/shipping.ts';
import { makeDevice, type MadeDevice } from '../../cli/station/devices.ts';
import { openStation, type Station } from '../../cli/station/station.ts';
import { performAct } from '../../cli/invoke.ts';
import { awaitReport, deliverManifest, type Report } from '../../cli/manifest.ts';
import { connectOnce, type Broker, type Connection, type Identity } from '../../device/connect.ts';
import type { Outcome } from '../../shared/outcome.ts';
import type { Stage } from './stage.ts';

export const OWNER = 'st-anna';

/** A manufacturer whose CA and signer the deployment trusts. */
export async function openFactory(stage: Stage, operator: Deployment, manufacturer: string): Promise<Station> {
  const station = await openStation(join(stage.factories, manufacturer), manufacturer);
  const anchor = (kind: string, file: string) => ({ kind, manufacturer, certificate: readFileSync(file, 'utf8') });
  accepted(await performAct(operator, 'change-trust', { kind: 'add-owner', owner: OWNER }));
  accepted(await performAct(operator, 'change-trust', anchor('add-authority', station.authorityFile)));
  accepted(await performAct(operator, 'change-trust', anchor('add-signer', station.signerFile)));
  return station;
}

export async function list(operator: Deployment, station: Station, serial: string): Promise<MadeDevice> {
  const device = await makeDevice(station, serial);
  await agree(operator, station.manufacturer, `lot-${serial}`, 1);
  const { manifestFile } = deliverLot(station, { product: 'monitor', lot: `lot-${serial}`, serials: [serial] });
  const report = await importManifest(operator, station.manufacturer, manifestFile);
  if (report.results?.['accepted'] !== 1) throw new Error(`not listed: ${JSON.stringify(report)}`);
  return device;
}

export async function importManifest(operator: Deployment, manufacturer: string, file: string): Promise<Report> {
  return awaitReport(operator, await deliverManifest(operator, manufacturer, file));
}

/** A lot of so many monitors. */
export async function agree(operator: Deployment, manufacturer: string, lot: string, count: number): Promise<void> {
  const act = { kind: 'add-lot', manufacturer, lot, product: 'monitor', count };
  accepted(await performAct(operator, 'change-trust', act));
}

export async function claim(operator: Deployment, device: Pick<MadeDevice, 'id'>, owner = OWNER): Promise<void> {
  const act = { kind: 'claim-devices', owner, devices: [device.id] };
  const [answer] = accepted(await performAct<readonly { result: string }[]>(operator, 'claim-devices', act));
  if (answer?.result !== 'claimed') throw new Error(`not claimed: ${JSON.stringify(answer)}`);
}

export function connect(broker: Broker, device: MadeDevice, id: string = device.id): Promise<Connection> {
  return connectOnce(broker, { ...identityOf(device), id });
}

export async function connectUntilAccepted(broker: Broker, device: MadeDevice): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const connection = await connect(broker, device);
    if (connection.outcome === 'accepted') return connection.session.close();
    await setTimeout(500);
  }
  throw new Error(`${device.id} is still closed after 30 seconds`);
}

export function fingerprintOf(device: Pick<MadeDevice, 'certificateFile'> | Pick<Identity, 'certificate'>): string {
  const pem = 'certificate' in device ? device.certificate : readFileSync(device.certificateFile);
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

export function accepted<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === 'done') return outcome.value;
  throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`);
}

function identityOf({ id, certificateFile, keyFile }: MadeDevice): Identity {
  return { id, certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
