// Does a device come to keys of its own, with real TLS, the deployed stacks, keys in KMS and in a token, and openssl's opinion?
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { IoTClient } from '@aws-sdk/client-iot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { awaitDossier } from '../../cli/await-dossier.ts';
import type { Deployment } from '../../cli/deployment.ts';
import { invoke, performAct } from '../../cli/invoke.ts';
import type { MadeDevice } from '../../cli/station/devices.ts';
import type { Station } from '../../cli/station/station.ts';
import { openAgent } from '../../device/agent.ts';
import { connectOnce, type Identity, type Session } from '../../device/connect.ts';
import { nodeDisk } from '../../device/disk.ts';
import { Inbox } from '../../device/inbox.ts';
import { openIdentityStore, type IdentityStore } from '../../device/identity-store.ts';
import { OUTPUTS } from '../../shared/env.ts';
import type { AuthorityShown } from '../../shared/issuance/authority-shown.ts';
import type { Device } from '../../shared/lifecycle.ts';
import { iotBroker } from '../../shared/aws/iot-broker.ts';
import { openssl } from '../counterparts/openssl.ts';
import { HAVE_SOFTHSM, makeKey, makeSoftHsm, uriOf } from '../contracts/certificate-signer-tokens.ts';
import { Cleanup } from '../contracts/local-aws.ts';
import { brokerSide, listCertificates } from './cloud-side.ts';
import { accepted, claim, connectUntilAccepted, fingerprintOf, list, openFactory, OWNER } from './fleet.ts';
import { hireOperator } from './people.ts';
import { actingAs, PREFIX, raiseStage, strikeStage, wardkey, type Stage } from './stage.ts';

let stage: Stage;
let second: Stage;
let signer: Stage;
let operator: Deployment;
let station: Station;
let folder: string;
let pump: MadeDevice;
let store: IdentityStore;
const cleanup = new Cleanup();

beforeAll(async () => {
  const raised = await raiseStage();
  stage = { ...raised, as: await hireOperator(raised, 'operator', ['operatorPolicy', 'ceremonyPolicy']) };
  second = { ...raised, as: await hireOperator(raised, 'second') };
  operator = await actingAs(stage, stage.as ?? raised.cloud.credentials);
  station = await openFactory(stage, operator, 'acme');
  signer = { ...raised, as: await hireOperator(raised, 'signer', ['signerPolicy']) };
  folder = join(stage.factories, 'rotation');
  mkdirSync(folder, { recursive: true });
});

afterAll(async () => {
  await cleanup.run();
  await strikeStage();
});

async function admit(serial: string, owner = OWNER): Promise<MadeDevice> {
  const device = await list(operator, station, serial);
  await claim(operator, device, owner);
  await connectUntilAccepted(stage.broker, device);
  return device;
}

const identityOf = ({ id, certificateFile, keyFile }: MadeDevice): Identity => ({
  id,
  certificate: readFileSync(certificateFile, 'utf8'),
  key: readFileSync(keyFile, 'utf8'),
});

function agentOf(identities: IdentityStore) {
  return openAgent({
    store: identities,
    broker: stage.broker,
    clock: { now: () => new Date(Date.now()).toISOString() },
    random: () => 0.5,
    pause: (milliseconds, signal) =>
      setTimeout(Math.min(milliseconds, 1_000), undefined, { signal }).catch(() => undefined),
  });
}

const becomes = (id: string, ready: (device: Device) => boolean) =>
  awaitDossier(operator, id, ({ device }) => device !== undefined && ready(device));

const aligned = (id: string) => becomes(id, ({ brokerPending }) => brokerPending === undefined);

/** What AWS IoT Core shows as ACTIVE among these. */
async function activeOf(ids: readonly string[]): Promise<readonly string[]> {
  const broker = iotBroker(new IoTClient(stage.deployment.place.config));
  const found = await Promise.all(ids.map((id) => broker.findCertificate(id)));
  return ids.filter((_id, index) => found[index]?.status === 'ACTIVE');
}

async function createAuthority(owner: string, issuing: string): Promise<AuthorityShown> {
  const words = ['authority', 'create', '--owner', owner, '--root', 'kms', '--issuing', issuing];
  const command = [...words, '--ceremony', join(folder, `ceremony-${owner}`), '--prefix', PREFIX, '--json'];
  const asked = await wardkey(stage, ...command);
  expect(asked, asked.stderr).toMatchObject({ code: 0 });
  const { approval, digest } = (JSON.parse(asked.stdout) as { approval: { approval: string; digest: string } })
    .approval;
  // Nobody approves their own request, and nothing is installed before somebody else has.
  expect(await wardkey(stage, 'approval', 'approve', approval, digest, '--prefix', PREFIX)).toMatchObject({ code: 1 });
  expect(await wardkey(stage, ...command)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('approval-open') as string,
  });
  expect(await wardkey(second, 'approval', 'approve', approval, digest, '--prefix', PREFIX)).toMatchObject({ code: 0 });
  const installed = await wardkey(stage, ...command);
  expect(installed, installed.stderr).toMatchObject({ code: 0 });
  const { authority } = JSON.parse(installed.stdout) as { authority: AuthorityShown };
  const shown = await wardkey(stage, 'authority', 'show', owner, '--prefix', PREFIX, '--json');
  expect(JSON.parse(shown.stdout)).toEqual(authority);
  return authority;
}

describe("an owner's authority", () => {
  test('is asked for by one person and approved by another, and its keys never leave KMS', async () => {
    const authority = await createAuthority(OWNER, 'kms');
    expect(authority).toMatchObject({ owner: OWNER, home: { kind: 'kms' }, validityDays: 90 });
    writeFileSync(join(folder, 'root.pem'), authority.root.pem);
    writeFileSync(join(folder, 'issuing.pem'), authority.issuing.pem);
    expect(openssl(folder, 'verify', '-x509_strict', '-CAfile', 'root.pem', 'issuing.pem').ok).toBe(true);
  });
});

describe('a device', () => {
  test('T087 T088 rotates to a key of its own: one operational certificate is active, and the factory certificate is gone', async () => {
    pump = await admit('R1');
    store = openIdentityStore(join(folder, pump.id), identityOf(pump), nodeDisk);
    expect(await agentOf(store).rotate(AbortSignal.timeout(60_000))).toBe('confirmed');
    const { device } = await becomes(
      pump.id,
      ({ state, brokerPending }) => state === 'operational' && brokerPending === undefined,
    );
    const current = fingerprintOf({ certificate: store.state().current?.certificate ?? '' });
    expect(device).toMatchObject({ current: { certificateId: current } });
    expect(await brokerSide(stage, current)).toMatchObject({
      certificate: { status: 'ACTIVE' },
      things: [pump.id],
      policies: [stage.deployment.output(OUTPUTS.operationPolicy)],
    });
    expect(await listCertificates(stage)).not.toContain(fingerprintOf(pump));
    writeFileSync(join(folder, 'device.pem'), store.state().current?.certificate ?? '');
    const chain = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem'];
    expect(openssl(folder, 'verify', '-x509_strict', '-purpose', 'sslclient', ...chain, 'device.pem').ok).toBe(true);
  });

  test('T075 T086 its spent factory certificate lets nobody in, is noticed, and changes nothing for it', async () => {
    expect(await connectOnce(stage.broker, identityOf(pump))).toMatchObject({ outcome: 'closed' });
    const spent = 'factory-certificate-consumed';
    await awaitDossier(operator, pump.id, ({ refusals }) => refusals.some(({ reason }) => reason === spent));
    const session = await agentOf(store).connect(AbortSignal.timeout(30_000));
    await session.close();
  });

  test('T088 T089 gets the same certificate for the same request, by a CSR that openssl made', async () => {
    const other = await admit('R2');
    const line = await callFrom(identityOf(other));
    const request = { requestId: randomUUID(), csr: opensslCsr(other.id) };
    const first = await ask(line, other.id, request);
    expect(await ask(line, other.id, request)).toEqual(first);
    expect(await ask(line, other.id, { ...request, csr: opensslCsr(other.id) })).toMatchObject({ error: 'refused' });
    await line.session.close();
    const der = Buffer.from((first as { certificate: string }).certificate, 'base64url');
    writeFileSync(join(folder, 'other.der'), der);
    const chain = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem'];
    expect(openssl(folder, 'x509', '-inform', 'DER', '-in', 'other.der', '-out', 'other.pem').ok).toBe(true);
    expect(openssl(folder, 'verify', '-x509_strict', ...chain, 'other.pem').ok).toBe(true);
    await aligned(other.id);
    const offered = fingerprintOf({ certificate: readFileSync(join(folder, 'other.pem'), 'utf8') });
    // Both are in until the new one is confirmed: no gap.
    expect(await activeOf([fingerprintOf(other), offered])).toHaveLength(2);
  });

  test('runs as `wardkey device run`, with nothing but its factory identity and the address of the broker', async () => {
    const field = await admit('R6');
    const { endpoint, host, port } = stage.broker;
    const where = ['--endpoint', endpoint, '--host', host, '--port', String(port), '--ca', stage.brokerCaFile];
    const factory = ['--factory-cert', field.certificateFile, '--factory-key', field.keyFile];
    const words = ['device', 'run', join(folder, field.id), '--id', field.id, ...factory, ...where, '--once', '--json'];
    const ran = await wardkey(stage, ...words);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const events = ran.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(expect.arrayContaining(['issued', 'confirmed', 'operational']));
    await becomes(field.id, ({ state }) => state === 'operational');
  });

  test('T085 cannot ask on the topic of another', async () => {
    const stranger = await admit('R3');
    const session = await open(identityOf(stranger));
    const topic = `wardkey/${pump.id}/certificate/request`;
    const request = { requestId: randomUUID(), csr: opensslCsr(pump.id) };
    await session.publish(topic, JSON.stringify(request)).catch(() => undefined);
    await session.close().catch(() => undefined);
    await setTimeout(1_500);
    const { entries } = await awaitDossier(operator, pump.id, () => true);
    const asked = entries.filter(({ entry }) => JSON.stringify(entry.detail.inputs).includes(request.requestId));
    expect(asked).toEqual([]);
  });

  test('begins anew inside a reset window that its owner opened, and its old certificate has ended', async () => {
    const old = fingerprintOf({ certificate: store.state().current?.certificate ?? '' });
    const opened = await wardkey(stage, 'device', 'reset', pump.id, '--hours', '1', '--prefix', PREFIX);
    expect(opened, opened.stderr).toMatchObject({ code: 0 });
    await connectUntilAccepted(stage.broker, pump);
    await becomes(pump.id, ({ state }) => state === 'registered');
    for (let tries = 0; tries < 40 && (await listCertificates(stage)).includes(old); tries += 1) await setTimeout(500);
    expect(await listCertificates(stage)).not.toContain(old);
    store = openIdentityStore(join(folder, `${pump.id}-anew`), identityOf(pump), nodeDisk);
    expect(await agentOf(store).rotate(AbortSignal.timeout(60_000))).toBe('confirmed');
  });
});

describe('the revocation list', () => {
  test('names what has ended: openssl refuses a denied device and goes on accepting another', async () => {
    const denied = await admit('R4');
    const identities = openIdentityStore(join(folder, denied.id), identityOf(denied), nodeDisk);
    expect(await agentOf(identities).rotate(AbortSignal.timeout(60_000))).toBe('confirmed');
    writeFileSync(join(folder, 'denied.pem'), identities.state().current?.certificate ?? '');
    writeFileSync(join(folder, 'good.pem'), store.state().current?.certificate ?? '');
    const told = await wardkey(stage, 'device', 'deny', denied.id, '--cause', 'stolen', '--prefix', PREFIX);
    expect(told).toMatchObject({ code: 0 });
    await fetchList(OWNER);
    expect(check('good.pem')).toMatchObject({ ok: true });
    expect(check('denied.pem')).toMatchObject({
      ok: false,
      text: expect.stringContaining('certificate revoked') as string,
    });
  });

  async function fetchList(owner: string): Promise<void> {
    accepted(await invoke(stage.deployment, 'publish-crl', {}));
    const { issuing } = accepted(await invoke<AuthorityShown>(operator, 'create-authority', { show: owner }));
    const Bucket = stage.deployment.output(OUTPUTS.manifestBucket);
    const Key = `revocation-lists/${issuing.fingerprint}.crl`;
    const { Body } = await new S3Client(stage.deployment.place.config).send(new GetObjectCommand({ Bucket, Key }));
    writeFileSync(join(folder, 'list.der'), (await Body?.transformToByteArray()) ?? '');
    expect(openssl(folder, 'crl', '-inform', 'DER', '-in', 'list.der', '-out', 'list.pem').ok).toBe(true);
  }

  function check(file: string) {
    const chain = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem', '-CRLfile', 'list.pem', '-crl_check'];
    return openssl(folder, 'verify', '-x509_strict', ...chain, file);
  }
});

describe.runIf(HAVE_SOFTHSM)('an issuing key in a PKCS #11 token', () => {
  test('signs by a worker beside it, which reads no table: the device notices no difference', async () => {
    const token = makeSoftHsm(cleanup);
    await makeKey(token, 'ES256', { object: 'issuing' });
    const uri = uriOf(token, 'issuing');
    const owner = 'st-bede';
    accepted(await performAct(operator, 'change-trust', { kind: 'add-owner', owner }));
    const authority = await createAuthority(owner, uri);
    expect(authority).toMatchObject({ home: { kind: 'pkcs11', name: 'issuing' } });
    const device = await admit('R5', owner);
    const identities = openIdentityStore(join(folder, device.id), identityOf(device), nodeDisk);
    const rotation = agentOf(identities).rotate(AbortSignal.timeout(90_000));
    // The order waits for its signer.
    await setTimeout(2_000);
    for (let tries = 0; tries < 10; tries += 1) {
      const served = await wardkey(
        signer,
        'signer',
        'run',
        '--key',
        `${owner}=${uri}`,
        '--once',
        '--prefix',
        PREFIX,
        '--json',
      );
      expect(served, served.stderr).toMatchObject({ code: 0 });
      if ((JSON.parse(served.stdout) as { signed: number }).signed > 0) break;
    }
    expect(await rotation).toBe('confirmed');
  });
});

/** By openssl, from its key to its signature. */
function opensslCsr(id: string): string {
  const words = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${id}`];
  const csr = execFileSync('openssl', [...words, '-keyout', join(folder, 'csr.key'), '-outform', 'DER'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return csr.toString('base64url');
}

async function open(identity: Identity): Promise<Session> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const connection = await connectOnce(stage.broker, identity);
    if (connection.outcome === 'accepted') return connection.session;
    await setTimeout(500);
  }
  throw new Error(`${identity.id} is still closed`);
}

interface Line {
  readonly session: Session;
  readonly inbox: Inbox;
}

async function callFrom(identity: Identity): Promise<Line> {
  const session = await open(identity);
  const inbox = new Inbox(session);
  await session.subscribe(['accepted', 'rejected'].map((name) => `wardkey/${identity.id}/certificate/${name}`));
  return { session, inbox };
}

/** What the service answers, whichever way. */
async function ask(
  { session, inbox }: Line,
  id: string,
  request: { requestId: string; csr: string },
): Promise<unknown> {
  const topic = (name: string) => `wardkey/${id}/certificate/${name}`;
  await session.publish(topic('request'), JSON.stringify(request));
  await inbox.arrival();
  return JSON.parse(inbox.take()?.payload.toString('utf8') ?? 'null') as unknown;
}
