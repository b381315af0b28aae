// How does a whole rotation go on, whatever fails on the way? A device that asks until it is answered, queues that bring a
// message again until it is done, and a sweep that finds what was forgotten.
import { createHash } from 'node:crypto';

import { expect } from 'vitest';

import { confirmCertificate } from '../../../functions/issuance/confirm-certificate/flow.ts';
import { concludeAnswered } from '../../../functions/issuance/issue-certificate/answered.ts';
import { issueCertificate } from '../../../functions/issuance/issue-certificate/flow.ts';
import { align } from '../../../functions/onboarding/align-broker/flow.ts';
import { sweepPending } from '../../../functions/onboarding/align-broker/sweep.ts';
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { issuedKey, parseIssued } from '../../../shared/issuance/intent.ts';
import { revokedOf } from '../../../shared/issuance/ending.ts';
import { restorePrepared } from '../../../shared/issuance/restore.ts';
import { Fault } from '../../../shared/outcome.ts';
import { InjectedFault } from '../../fakes/faults.ts';
import { confirmationOf, confirmedTo, idOf, issuedTo, valueOf, type IssuanceScene } from '../issuance-scene.ts';
import { entriesOf, gapsIn, readDevice, type Pump } from '../scene.ts';

export interface Rotating {
  readonly scene: IssuanceScene;
  readonly pump: Pump;
  /** The request, byte for byte the same each time. */
  readonly body: string;
}

const TRIES = 6;

/** Every fake of a rotation that can fail. */
export function fakesOf({ registry, alignments, keys, topics, broker, signing }: IssuanceScene) {
  return { registry, alignments, keys, topics, broker, signing };
}

/** Answers the certificate with which the device ends. */
export async function rotateWhatever({ scene, pump, body }: Rotating): Promise<string> {
  const asked = issuedTo(scene, pump.id).length;
  await ask({ scene, pump, body });
  // The device hears nothing when the message was lost; it asks again.
  for (let time = 0; issuedTo(scene, pump.id).length === asked; time += 1) {
    if (time === TRIES) throw new Error('expected an answer');
    await ask({ scene, pump, body });
  }
  const certificateId = idOf(issuedTo(scene, pump.id).at(-1) ?? { certificate: '' });
  await untilConnected(scene, certificateId);
  await confirmWhatever({ scene, pump, body }, certificateId);
  await settle(scene);
  return certificateId;
}

/** Where the key lives in a token, its signer takes what was ordered, and its answers are brought until they are done. */
async function ask({ scene, body }: Rotating): Promise<void> {
  await untilDone(scene, () => issueCertificate(body, scene));
  for (const { intent, tbs } of scene.signing.requested.splice(0)) {
    const signature = await scene.ceremony.issuingSigner.sign(Buffer.from(tbs, 'base64'));
    const answer = JSON.stringify({ intent, signature: Buffer.from(signature).toString('base64') });
    await untilDone(scene, () => concludeAnswered(answer, scene));
  }
}

async function confirmWhatever({ scene, pump }: Rotating, certificateId: string): Promise<void> {
  const heard = () => confirmedTo(scene, pump.id).some((told) => told.certificateId === certificateId);
  for (let time = 0; !heard(); time += 1) {
    if (time === TRIES) throw new Error('expected a confirmation');
    await untilDone(scene, () => confirmCertificate(confirmationOf(scene, pump.id, certificateId), scene));
  }
}

async function untilConnected(scene: IssuanceScene, certificateId: string): Promise<void> {
  for (let time = 0; time < TRIES; time += 1) {
    await drain(scene);
    if (scene.broker.connect(certificateId, 'none') === 'connected') return;
    await sweep(scene);
  }
  throw new Error('expected the broker to let the new certificate in');
}

/** Until nothing is pending any more, as minutes later. */
export async function settle(scene: IssuanceScene): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    await drain(scene);
    await sweep(scene);
  }
}

async function sweep(scene: IssuanceScene): Promise<void> {
  scene.clock.advance(61_000);
  await untilDone(scene, () => sweepPending(scene));
  await drain(scene);
}

/** Both queues, as long as there is something in them. */
export async function drain(scene: IssuanceScene): Promise<void> {
  const { requested, requestedRevocations, requestedCertificates } = scene.alignments;
  while (requested.length + requestedRevocations.length + requestedCertificates.length > 0) {
    for (const device of requested.splice(0))
      await untilDone(scene, () => align({ device: valueOf(parseDeviceId(device)) }, scene));
    for (const certificate of [...requestedRevocations.splice(0), ...requestedCertificates.splice(0)])
      await untilDone(scene, () => align({ certificate }, scene));
  }
}

/** A message comes again when its worker died: after the time for which a dead worker holds a lease. */
export async function untilDone(scene: IssuanceScene, run: () => Promise<unknown>): Promise<void> {
  for (let time = 0; time < TRIES; time += 1) {
    try {
      await run();
      return;
    } catch (error) {
      if (!(error instanceof Fault) && !(error instanceof InjectedFault)) throw error;
      scene.clock.advance(61_000);
    }
  }
  throw new Error('expected a message to be done within a few tries');
}

export interface Rotated {
  readonly scene: IssuanceScene;
  readonly pump: Pump;
  /** What the device holds, and has confirmed. */
  readonly certificateId: string;
}

/** What must be true after every rotation, whatever has failed on the way. */
export async function expectOneCertificate({ scene, pump, certificateId }: Rotated, told = ''): Promise<void> {
  const device = await readDevice(scene, pump.id);
  expect(device, told).toMatchObject({ state: 'operational', current: { certificateId } });
  expect(device, told).not.toHaveProperty('offered');
  expect(device, told).not.toHaveProperty('brokerPending');
  await expectBroker({ scene, pump, certificateId }, told);
  await expectKnown({ scene, pump, certificateId }, told);
  expectOneEntryPerVersion(scene, { device: pump.id, version: device?.version ?? 0 }, told);
}

/** Exactly one ACTIVE operational certificate, with the policy of operation and its thing; the factory's is spent. */
async function expectBroker({ scene: { broker, registry }, pump, certificateId }: Rotated, told: string) {
  const arn = broker.arnOf(certificateId);
  expect(await broker.findCertificate(certificateId), told).toMatchObject({ status: 'ACTIVE' });
  expect(await broker.listPolicies(arn), told).toEqual(['operation']);
  expect(await broker.listThings(arn), told).toEqual([pump.id]);
  expect(await broker.listPolicyTargets('operation'), told).toEqual([arn]);
  for (const { pk, sk } of registry.rows('devices')) {
    const id = pk.slice('certificate#'.length);
    if (sk === 'issued' && id !== certificateId) expect(await broker.findCertificate(id), told).toBeUndefined();
  }
  const factory = await broker.findCertificate(pump.certificateId);
  expect(factory?.status, told).toBe(pump.listing.path === 'jitr' ? undefined : 'INACTIVE');
}

/**
 * Whatever was signed was recorded before; what was stored is the one in use or stands on its issuer's list; and every other
 * signature over the same bytes is that of a certificate of the same serial, discarded or seen by nobody.
 */
async function expectKnown({ scene, certificateId }: Rotated, told: string): Promise<void> {
  const { registry, keys, issuing } = scene;
  const intended = entriesOf(scene).flatMap(({ leaf, detail }) =>
    leaf.kind === 'issuance-intended' ? [detail.inputs['tbs']] : [],
  );
  const { table, pk } = revokedOf(issuing.certificate.fingerprint);
  const revoked = (await registry.list(table, pk, 'revoked#')).map(({ sk }) => sk.slice('revoked#'.length));
  const current = await serialOf(scene, certificateId);
  expect(revoked, told).not.toContain(current);
  for (const { bytes } of keys.signed) {
    expect(intended, told).toContain(Buffer.from(bytes).toString('base64'));
    expect([current, ...revoked], told).toContain(restorePrepared(bytes, issuing.issuer).serial);
  }
}

async function serialOf({ registry, issuing }: IssuanceScene, certificateId: string): Promise<string> {
  const { certificate, requestId, device } = parseIssued((await registry.read([issuedKey(certificateId)]))[0]);
  const der = Buffer.from(certificate, 'base64');
  expect(createHash('sha256').update(der).digest('hex')).toBe(certificateId);
  const intent = registry
    .rows('devices')
    .find(({ pk, sk }) => pk === `device#${device}` && sk === `issuance#${requestId}#intent`);
  return restorePrepared(Buffer.from(String(intent?.row['tbs']), 'base64'), issuing.issuer).serial;
}

interface VersionOf {
  readonly device: string;
  readonly version: number;
}

export function expectOneEntryPerVersion(scene: IssuanceScene, { device, version }: VersionOf, told = ''): void {
  expect(gapsIn(scene), told).toEqual([]);
  const entries = entriesOf(scene).filter(({ stream }) => stream === `device/${device}`);
  const versions = Array.from({ length: version }, (_none, index) => index + 1);
  expect(
    entries.map(({ seq }) => seq),
    told,
  ).toEqual(versions);
}
