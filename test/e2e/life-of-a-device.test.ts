// Does the whole path hold, with real TLS devices and stacks deployed by cdk? In the order of a device's life.
import { appendFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { destroy } from '../../cli/demo/cdk.ts';
import { awaitDossier } from '../../cli/await-dossier.ts';
import type { Deployment } from '../../cli/deployment.ts';
import { deliverLot } from '../../cli/station/shipping.ts';
import { makeDevice, type MadeDevice } from '../../cli/station/devices.ts';
import type { Station } from '../../cli/station/station.ts';
import { signAct } from '../../cli/identity.ts';
import { invoke, performAct } from '../../cli/invoke.ts';
import { OUTPUTS } from '../../shared/env.ts';
import { opensCommitment } from '../../shared/ledger/entry.ts';
import { brokerSide, listRemains } from './cloud-side.ts';
import {
  claim,
  connect,
  connectUntilAccepted,
  fingerprintOf,
  importManifest,
  list,
  openFactory,
  OWNER,
} from './fleet.ts';
import { hireOperator, makeUser } from './people.ts';
import { actingAs, PREFIX, raiseStage, strikeStage, wardkey, type Stage } from './stage.ts';

let stage: Stage;
let operator: Deployment;
let station: Station;
let admitted: MadeDevice;

beforeAll(async () => {
  stage = await raiseStage();
  operator = await actingAs(stage, await hireOperator(stage, 'operator'));
  station = await openFactory(stage, operator, 'acme');
});

afterAll(strikeStage);

test('a listed and claimed device is closed at its first connect, decided, and accepted at a later one', async () => {
  admitted = await list(operator, station, 'A1');
  await claim(operator, admitted);
  expect(await connect(stage.broker, admitted)).toMatchObject({ outcome: 'closed' });
  await connectUntilAccepted(stage.broker, admitted);
  const { certificate, things, policies } = await brokerSide(stage, fingerprintOf(admitted));
  expect(certificate?.status).toBe('ACTIVE');
  expect(things).toEqual([admitted.id]);
  expect(policies).toEqual([stage.deployment.output(OUTPUTS.registrationPolicy)]);
});

test('every version of its row has one entry, which opens its leaf and names who did it', async () => {
  const settled = await awaitDossier(operator, admitted.id, ({ device }) => device?.brokerPending === undefined);
  const entries = settled.entries.map(({ entry }) => entry).filter(({ stream }) => stream === `device/${admitted.id}`);
  expect(settled.device?.state).toBe('registered');
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: settled.device?.version ?? 0 }, (_, n) => n + 1));
  expect(entries.map(({ leaf }) => leaf.kind)).toContain('admitted');
  expect(entries.every(opensCommitment)).toBe(true);
  const claimed = entries.find(({ leaf }) => leaf.kind === 'claimed');
  expect(claimed?.detail.actor).toEqual({
    kind: 'iam',
    principal: `arn:aws:iam::${stage.cloud.account}:user/operator`,
  });
});

test('T023 an unlisted device under the same CA is refused, counted, and stays without policy and thing', async () => {
  const stranger = await makeDevice(station, 'B1');
  const id = fingerprintOf(stranger);
  expect(await connect(stage.broker, stranger)).toMatchObject({ outcome: 'closed' });
  await awaitDossier(operator, id, ({ refusals }) => refusals.length === 1);
  expect(await connect(stage.broker, stranger)).toMatchObject({ outcome: 'closed' });
  const { refusals, entries } = await awaitDossier(operator, id, ({ refusals: [first] }) => (first?.repeats ?? 0) >= 1);
  expect(refusals.map(({ reason }) => reason)).toEqual(['not-listed']);
  // What the broker is to do with the certificate in the end has an entry of its own.
  expect(entries.map(({ entry }) => entry.leaf.kind)).toEqual(['refused', 'alignment-requested']);
  const { certificate, things, policies } = await brokerSide(stage, id);
  expect(certificate?.status).toBe('PENDING_ACTIVATION');
  expect([things, policies]).toEqual([[], []]);
});

test('a listed device that nobody owns is refused until it is claimed, then admitted with the same certificate', async () => {
  const early = await list(operator, station, 'C1');
  expect(await connect(stage.broker, early)).toMatchObject({ outcome: 'closed' });
  const refused = await awaitDossier(operator, early.id, ({ refusals }) => refusals.length === 1);
  expect(refused.refusals[0]?.reason).toBe('not-owned');
  await claim(operator, early);
  await connectUntilAccepted(stage.broker, early);
});

test('T054 an admitted device is closed under a client id that is not its own', async () => {
  expect(await connect(stage.broker, admitted, 'acme-C1')).toMatchObject({ outcome: 'closed' });
});

test('T002 nothing is listed from a manifest that was changed after it was signed', async () => {
  const device = await makeDevice(station, 'D1');
  const { manifestFile } = deliverLot(station, { product: 'monitor', lot: 'changed', serials: ['D1'] });
  appendFileSync(manifestFile, ' ');
  const report = await importManifest(operator, 'acme', manifestFile);
  expect(report).toMatchObject({ outcome: 'refused', refusal: { reason: 'signature-invalid' } });
  expect(await invoke(operator, 'show-device', { subject: device.id })).toMatchObject({ outcome: 'refused' });
});

test('T022 a user without the operator policy can perform no act', async () => {
  const visitor = await actingAs(stage, stage.cloud.credentials);
  const credentials = await makeUser(stage, 'visitor');
  const place = { ...visitor.place, config: { ...visitor.place.config, credentials } };
  const act = performAct({ ...visitor, place }, 'change-trust', { kind: 'add-owner', owner: 'mallory' });
  await expect(act).rejects.toThrow(/not authorized|AccessDenied/i);
});

test('an act that was signed for another act or another function is refused', async () => {
  const { place } = operator;
  const act = { kind: 'add-owner', owner: 'mallory' };
  const other = await signAct({ kind: 'add-owner', owner: OWNER }, operator.functionArn('change-trust'), place.config);
  const elsewhere = await signAct(act, operator.functionArn('claim-devices'), place.config);
  for (const identity of [other, elsewhere]) {
    const outcome = await invoke(operator, 'change-trust', { act, identity });
    expect(outcome).toMatchObject({ outcome: 'refused', refusal: { reason: 'caller-unproved' } });
  }
});

test('the CLI exits with 0 for success, 1 for a refusal, 2 for wrong use and 3 for a fault', async () => {
  const shown = await wardkey(stage, 'device', 'show', admitted.id, '--prefix', PREFIX, '--json');
  expect(shown.code).toBe(0);
  expect(JSON.parse(shown.stdout)).toMatchObject({ device: { id: admitted.id, state: 'registered' } });
  expect((await wardkey(stage, 'device', 'show', 'acme-none', '--prefix', PREFIX)).code).toBe(1);
  expect((await wardkey(stage, 'device', 'show')).code).toBe(2);
  const elsewhere = await wardkey(stage, 'device', 'show', admitted.id, '--prefix', 'nowhere', '--json');
  expect(elsewhere.code).toBe(3);
  expect(JSON.parse(elsewhere.stdout)).toMatchObject({ outcome: 'fault' });
});

test('cdk destroy is refused in one sentence while devices remain, and everything goes on working', async () => {
  await expect(destroy(stage.cloud, PREFIX, () => undefined)).rejects.toThrow(
    /devices remain: .* run `npx wardkey teardown` first/,
  );
  await connectUntilAccepted(stage.broker, admitted);
});

test('teardown tells before it does, and after it cdk destroy leaves nothing in the cloud', async () => {
  const dry = await wardkey(stage, 'teardown', '--prefix', PREFIX, '--json');
  expect(JSON.parse(dry.stdout)).toMatchObject({ removed: false, certificates: 3, authorities: 1 });
  await connectUntilAccepted(stage.broker, admitted);
  const done = await wardkey(stage, 'teardown', '--prefix', PREFIX, '--yes', '--json');
  expect(JSON.parse(done.stdout)).toMatchObject({ removed: true, certificates: 3, authorities: 1 });
  const again = await wardkey(stage, 'teardown', '--prefix', PREFIX, '--yes', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ certificates: 0, authorities: 0 });
  await destroy(stage.cloud, PREFIX, () => undefined);
  expect(await listRemains(stage.cloud, PREFIX)).toEqual([]);
});
