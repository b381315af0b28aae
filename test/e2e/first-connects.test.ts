// How does each kind of first connect end, with real TLS devices, the deployed stacks and other people's MQTT clients?
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeReel, type Chip } from '../../cli/demo/chip-vendor.ts';
import { makeClone, makeExpired, makeForeigner } from '../../cli/demo/guests.ts';
import { awaitDossier } from '../../cli/await-dossier.ts';
import type { Deployment } from '../../cli/deployment.ts';
import { invoke, performAct } from '../../cli/invoke.ts';
import type { MadeDevice } from '../../cli/station/devices.ts';
import { makeDevice } from '../../cli/station/devices.ts';
import type { Station } from '../../cli/station/station.ts';
import { connectOnce, type Identity } from '../../device/connect.ts';
import { counterpart } from '../counterparts.ts';
import { brokerSide, listCertificates } from './cloud-side.ts';
import {
  accepted,
  agree,
  claim,
  connect,
  connectUntilAccepted,
  fingerprintOf,
  importManifest,
  list,
  openFactory,
} from './fleet.ts';
import { mosquittoPub, mqttJs, pythonSdk, type Publish } from './mqtt-clients.ts';
import { hireOperator } from './people.ts';
import { actingAs, PREFIX, raiseStage, strikeStage, wardkey, type Stage } from './stage.ts';

let stage: Stage;
let operator: Deployment;
let station: Station;
let admitted: MadeDevice;

beforeAll(async () => {
  const raised = await raiseStage();
  stage = { ...raised, as: await hireOperator(raised, 'operator') };
  operator = await actingAs(stage, stage.as ?? raised.cloud.credentials);
  station = await openFactory(stage, operator, 'acme');
  admitted = await admit('A1');
});

afterAll(strikeStage);

async function admit(serial: string): Promise<MadeDevice> {
  const device = await list(operator, station, serial);
  await claim(operator, device);
  await connectUntilAccepted(stage.broker, device);
  return device;
}

const statusOf = async (certificateId: string) => (await brokerSide(stage, certificateId)).certificate?.status;

async function statusBecomes(certificateId: string, wanted: string): Promise<void> {
  for (let attempt = 0; attempt < 60 && (await statusOf(certificateId)) !== wanted; attempt += 1) await setTimeout(500);
  expect(await statusOf(certificateId)).toBe(wanted);
}

const closed = async (identity: Identity) => {
  expect(await connectOnce(stage.broker, identity)).toMatchObject({ outcome: 'closed' });
};

test('T024 T052 a clone is refused by name and revoked, and the genuine device goes on', async () => {
  const clone = await makeClone(station, admitted);
  const id = fingerprintOf(clone);
  await closed(clone);
  const { refusals } = await awaitDossier(operator, id, ({ refusals }) => refusals.length > 0);
  expect(refusals[0]).toMatchObject({ reason: 'another-key', refusal: { device: admitted.id } });
  await statusBecomes(id, 'REVOKED');
  const { clones, device } = await awaitDossier(operator, admitted.id, ({ clones }) => clones.length > 0);
  expect(clones.map(({ certificateId }) => certificateId)).toEqual([id]);
  expect(device?.state).toBe('registered');
  await connectUntilAccepted(stage.broker, admitted);
});

test('a chip whose CA nobody here can register is admitted by its presence', async () => {
  const reel = await makeReel(stage.factories, 'reel', 2);
  const [chip] = reel.chips as readonly [Chip, Chip];
  const anchor = (kind: string, file: string) => ['trust', kind, 'mchp', file, '--prefix', PREFIX];
  for (const words of [anchor('root', reel.rootFile), anchor('signer', reel.signerFile)]) {
    expect(await wardkey(stage, ...words)).toMatchObject({ code: 0 });
  }
  await agree(operator, 'mchp', 'reel', 2);
  expect(await importManifest(operator, 'mchp', reel.manifestFile)).toMatchObject({ results: { accepted: 2 } });
  const id = `mchp-${chip.serial}`;
  await claim(operator, { id });
  await statusBecomes(fingerprintOf(chip), 'ACTIVE');
  const before = await awaitDossier(operator, id, ({ device }) => device !== undefined);
  expect(before.device?.state).toBe('owned');
  const connection = await connectOnce(stage.broker, { id, ...chip });
  if (connection.outcome === 'accepted') await connection.session.close();
  expect(connection.outcome).toBe('accepted');
  const after = await awaitDossier(operator, id, ({ device }) => device?.state === 'registered');
  const admission = after.entries.find(({ entry }) => entry.leaf.kind === 'admitted')?.entry;
  expect(admission?.detail.inputs).toMatchObject({ event: 'presence' });
});

test('T050 a device that was denied before it ever connected is refused for good and revoked', async () => {
  const stolen = await list(operator, station, 'B1');
  const denied = await wardkey(stage, 'device', 'deny', stolen.id, '--cause', 'stolen', '--prefix', PREFIX);
  expect(denied).toMatchObject({ code: 0, stdout: expect.stringContaining(`${stolen.id} is denied`) as string });
  expect(await connect(stage.broker, stolen)).toMatchObject({ outcome: 'closed' });
  const { refusals } = await awaitDossier(operator, stolen.id, ({ refusals }) => refusals.length > 0);
  expect(refusals.map(({ reason }) => reason)).toEqual(['denied']);
  await statusBecomes(fingerprintOf(stolen), 'REVOKED');
});

test('T016 a denied device stays denied: nobody can claim it', async () => {
  const act = { kind: 'claim-devices', owner: 'st-anna', devices: ['acme-B1'] };
  const [answer] = accepted(await performAct<readonly { result: string }[]>(operator, 'claim-devices', act));
  expect(answer).toMatchObject({ result: 'refused' });
});

test('a quarantined device goes on while restricted, and is closed once cut, without being revoked', async () => {
  const suspect = await admit('C1');
  const quarantine = (level: string) =>
    wardkey(stage, 'device', 'quarantine', suspect.id, '--level', level, '--cause', 'faulty', '--prefix', PREFIX);
  expect(await quarantine('restricted')).toMatchObject({ code: 0 });
  await awaitDossier(operator, suspect.id, ({ device }) => device?.brokerPending === undefined);
  await connectUntilAccepted(stage.broker, suspect);
  expect(await quarantine('cut')).toMatchObject({ code: 0 });
  await statusBecomes(fingerprintOf(suspect), 'INACTIVE');
  expect(await connect(stage.broker, suspect)).toMatchObject({ outcome: 'closed' });
  // One person lifts nothing.
  expect(await quarantine('restricted')).toMatchObject({ code: 1 });
});

test('an expired certificate and one of an unknown CA are closed by the broker, and nobody is asked', async () => {
  for (const guest of [await makeExpired(station, 'D1'), await makeForeigner('D2')]) {
    await closed(guest);
    await setTimeout(1_500);
    expect(await listCertificates(stage)).not.toContain(fingerprintOf(guest));
    const shown = await invoke(operator, 'show-device', { subject: fingerprintOf(guest) });
    expect(shown).toMatchObject({ outcome: 'refused', refusal: { reason: 'device-unknown' } });
  }
});

test('T051 while the breaker of a CA is open the broker takes in none of its new devices, and the others go on', async () => {
  const breaker = (move: string) =>
    wardkey(stage, 'trust', 'breaker', move, '--authority', station.authorityFile, '--prefix', PREFIX);
  const late = await list(operator, station, 'E1');
  await claim(operator, late);
  expect(await breaker('open')).toMatchObject({ code: 0 });
  await setTimeout(2_000);
  expect(await connect(stage.broker, late)).toMatchObject({ outcome: 'closed' });
  expect(await listCertificates(stage)).not.toContain(fingerprintOf(late));
  await connectUntilAccepted(stage.broker, admitted);
  expect(await breaker('close')).toMatchObject({ code: 0 });
  await connectUntilAccepted(stage.broker, late);
});

test('T040 a certificate that its maker took back, in a list made with openssl, is refused for good', async () => {
  const recalled = await list(operator, station, 'F1');
  await claim(operator, recalled);
  const file = revoke(stage.factories, station, recalled);
  const taken = await wardkey(stage, 'trust', 'crl', 'acme', file, '--prefix', PREFIX);
  expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('1 certificates revoked') as string });
  expect(await connect(stage.broker, recalled)).toMatchObject({ outcome: 'closed' });
  const { refusals } = await awaitDossier(operator, recalled.id, ({ refusals }) => refusals.length > 0);
  expect(refusals.map(({ reason }) => reason)).toEqual(['certificate-revoked']);
  await statusBecomes(fingerprintOf(recalled), 'REVOKED');
  // The others need the current list from now on, and have it.
  await admit('F2');
});

/** As a manufacturer with openssl would do it. */
function revoke(folder: string, { authorityFile, ...station }: Station, { certificateFile }: MadeDevice): string {
  const [database, config, list] = ['index.txt', 'crl.cnf', 'acme.crl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(database, '');
  writeFileSync(join(folder, 'crlnumber'), '01\n');
  writeFileSync(
    config,
    `[ca]\ndefault_ca=acme\n[acme]\ndatabase=${database}\ncrlnumber=${join(folder, 'crlnumber')}\ndefault_md=sha256\ndefault_crl_days=30\ncrl_extensions=ext\n[ext]\nauthorityKeyIdentifier=keyid\n`,
  );
  const ca = ['ca', '-config', config, '-cert', authorityFile, '-keyfile', join(station.folder, 'authority.key.pem')];
  const openssl = counterpart('openssl')?.path ?? 'openssl';
  execFileSync(openssl, [...ca, '-revoke', certificateFile], { stdio: 'pipe' });
  execFileSync(openssl, [...ca, '-gencrl', '-out', list], { stdio: 'pipe' });
  return list;
}

const mosquitto = counterpart('mosquitto_pub')?.path;
const python = counterpart('device_sdk')?.path;
const CLIENTS: readonly (readonly [string, Publish | undefined])[] = [
  ['mqtt.js, MQTT 3.1.1', mqttJs(4)],
  ['mqtt.js, MQTT 5', mqttJs(5)],
  ['mosquitto_pub, MQTT 3.1.1', mosquitto === undefined ? undefined : mosquittoPub(mosquitto, 'mqttv311')],
  ['mosquitto_pub, MQTT 5', mosquitto === undefined ? undefined : mosquittoPub(mosquitto, 'mqttv5')],
  ['AWS IoT Device SDK for Python, MQTT 3.1.1', python === undefined ? undefined : pythonSdk(python, '3')],
  ['AWS IoT Device SDK for Python, MQTT 5', python === undefined ? undefined : pythonSdk(python, '5')],
];

describe.each(CLIENTS)('an admitted device made with %s', (_name, publish) => {
  test.skipIf(publish === undefined)('may publish on its own topic', async () => {
    const topic = `wardkey/${admitted.id}/certificate/request`;
    expect(await publish?.(stage, { device: admitted, client: admitted.id, topic })).toBe('published');
  });

  test.skipIf(publish === undefined).each([
    ['another device', 'wardkey/acme-C1/certificate/request'],
    ['telemetry, for which its certificate is not the right one yet', 'wardkey/acme-A1/telemetry/vitals'],
    ['the broker itself (T046)', '$aws/events/certificates/registered/0000'],
  ])('T055 may not publish on the topic of %s', async (_whose, topic) => {
    expect(await publish?.(stage, { device: admitted, client: admitted.id, topic })).not.toBe('published');
  });

  test.skipIf(publish === undefined)('T054 is closed under the client id of another', async () => {
    const topic = 'wardkey/acme-C1/certificate/request';
    expect(await publish?.(stage, { device: admitted, client: 'acme-C1', topic })).not.toBe('published');
  });
});

test('T046 what a device publishes in the name of the broker reaches no function', async () => {
  const spoofed = await makeDevice(station, 'G1');
  const caCertificateId = fingerprintOf({ certificateFile: station.authorityFile });
  const topic = `$aws/events/certificates/registered/${caCertificateId}`;
  const payload = JSON.stringify({
    certificateId: fingerprintOf(spoofed),
    caCertificateId,
    timestamp: Date.now(),
    certificateStatus: 'PENDING_ACTIVATION',
    awsAccountId: stage.cloud.account,
  });
  for (const version of [4, 5] as const) {
    const attempt = { device: admitted, client: admitted.id, topic, payload };
    expect(await mqttJs(version)(stage, attempt)).not.toBe('published');
  }
  await setTimeout(1_000);
  const shown = await invoke(operator, 'show-device', { subject: fingerprintOf(spoofed) });
  expect(shown).toMatchObject({ outcome: 'refused' });
});
