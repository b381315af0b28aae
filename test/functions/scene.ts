// Where do the flows play in the tests? One maker with its authority and signer, one hospital, and fakes of the world.
import { brokerQuota } from '../../functions/onboarding/broker-quota.ts';
import type { Entry } from '../../shared/ledger/entry.ts';
import { parseEntry, recordEntry, STREAMS } from '../../shared/ledger/entry.ts';
import { anchorClaimKey, anchorKey, anchorRow, authorityKey } from '../../shared/identity/anchor.ts';
import { ownerKey } from '../../shared/identity/owner.ts';
import { parseDevice } from '../../shared/device-row.ts';
import { deviceKey, type Device } from '../../shared/lifecycle.ts';
import { claim } from '../../shared/lifecycle-moves.ts';
import { certificateKey, wish } from '../../shared/whitelist/certificate-row.ts';
import {
  idClaimKey,
  keyClaimKey,
  listDevice,
  listingKey,
  type Listing,
  type ListingContext,
} from '../../shared/whitelist/listing.ts';
import { lotKey, type Lot } from '../../shared/whitelist/lot.ts';
import { waitFor, waitingKey } from '../../shared/whitelist/waiting.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeCallerIdentity } from '../fakes/fake-caller-identity.ts';
import { FixedClock } from '../fakes/fixed-clock.ts';
import { MemoryAlignmentQueue } from '../fakes/memory-alignment-queue.ts';
import { MemoryAuthorityRegistry } from '../fakes/memory-authority-registry.ts';
import { MemoryBroker } from '../fakes/memory-broker.ts';
import { MemoryChunkQueue } from '../fakes/memory-chunk-queue.ts';
import { MemoryManifestStore } from '../fakes/memory-manifest-store.ts';
import { MemoryRegistry } from '../fakes/memory-registry.ts';
import type { AnchorPurpose } from '../../shared/identity/anchor.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party, type Wishes } from '../pki/certificates.ts';

export const ACCOUNT = '123456789012';
export const OWNER = 'st-anna';
export const PRINCIPAL = `arn:aws:sts::${ACCOUNT}:assumed-role/operator/ann`;
export const APPROVER = `arn:aws:sts::${ACCOUNT}:assumed-role/approver/bob`;
export const AUDIENCE = `arn:aws:lambda:eu-central-1:${ACCOUNT}:function:wardkey-step-under-test`;
export const NOW = '2026-11-24T12:00:00.000Z';

export type Scene = Awaited<ReturnType<typeof makeScene>>;

/** The maker's authority, signer and lot are known, the hospital is too; nothing is listed yet. */
export async function makeScene() {
  const authority = await makeAuthority('Acme Root');
  const signer = await makeSigner();
  const authorities = new MemoryAuthorityRegistry();
  const registry = new MemoryRegistry();
  const clock = new FixedClock(NOW);
  const scene = {
    authority,
    signer,
    authorities,
    registry,
    alignments: new MemoryAlignmentQueue(),
    chunks: new MemoryChunkQueue(),
    manifests: new MemoryManifestStore(),
    broker: new MemoryBroker({ policies: ['registration', 'operation'] }),
    policies: { registration: 'registration', operation: 'operation' },
    callers: new FakeCallerIdentity(),
    roles: { operator: [PRINCIPAL], approver: [APPROVER] },
    clock,
    quota: brokerQuota(registry, clock),
    pendingDays: 30,
    random: new CountingRandomness(),
    audience: AUDIENCE,
    requestId: 'request-1',
  };
  trustAuthority(scene.registry, authority);
  trust(scene, authority, 'authority');
  trust(scene, signer, 'signer');
  agreeLot(scene);
  scene.registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER });
  return scene;
}

/** As `change-trust` leaves it: the CA under the id that IoT Core names in its events. */
export function trustAuthority(registry: MemoryRegistry, { certificate }: Party, manufacturer = 'acme'): void {
  const { fingerprint } = certificate;
  registry.seed(authorityKey(fingerprint), { version: 1, fingerprint, manufacturer });
}

/** As `change-trust` leaves an anchor, for who reads a maker's anchors. */
export function trust(
  { registry }: Pick<Scene, 'registry'>,
  party: Party,
  purpose: AnchorPurpose,
  manufacturer = 'acme',
): void {
  const { fingerprint } = party.certificate;
  registry.seed(anchorClaimKey(fingerprint), { version: 1, purpose, manufacturer });
  registry.seed(anchorKey(manufacturer, purpose, fingerprint), anchorRow(anchorOf(party, purpose, manufacturer)));
}

/** As `change-trust` leaves it: the terms of a lot, instead of those that were there. */
export function agreeLot({ registry }: Pick<Scene, 'registry'>, terms: Partial<Lot> = {}): void {
  const lot: Lot = { version: 1, manufacturer: 'acme', lot: '7', product: 'pump', count: 100_000, ...terms };
  registry.seed(lotKey(lot.manufacturer, lot.lot), lot);
}

export interface Pump {
  readonly id: string;
  readonly party: Party;
  readonly listing: Listing;
  readonly certificateId: string;
}

/** As `list-devices` leaves it: a listing, its id and its key. */
export async function listPump(scene: Scene, serial = 'P1001', wishes: Wishes = {}): Promise<Pump> {
  const party = await makeDevice(scene.authority, serial, wishes);
  return seedListing(
    scene,
    party,
    makeListing(scene, serial, { party, issuer: scene.authority, purpose: 'authority' }),
  );
}

/** Listed beyond its lot. */
export async function holdPump(scene: Scene, serial = 'P1001'): Promise<Pump> {
  const { party, listing } = await listPump(scene, serial);
  return seedListing(scene, party, { ...listing, held: true });
}

/** Listed by its key alone: its certificate has not come yet. */
export async function awaitPump(scene: Scene, serial = 'P5001'): Promise<string> {
  const { keyFingerprint } = (await makeDevice(scene.authority, serial)).certificate;
  const outcome = waitFor({ serial, keyFingerprint, chain: [] }, listingContext(scene, []));
  if (outcome.outcome === 'refused') throw new Error(`scene: ${JSON.stringify(outcome.refusal)}`);
  const { device } = outcome.value;
  const detail = {
    actor: { kind: 'step', step: 'list-devices' },
    decision: 'done',
    inputs: {},
    requestId: 'list',
  } as const;
  const draft = { stream: STREAMS.waiting(device), seq: 1, kind: 'waiting', time: scene.clock.now(), detail } as const;
  await scene.registry.commit([
    { create: waitingKey(device), row: outcome.value },
    { create: idClaimKey(device), row: { version: 1 } },
    { create: keyClaimKey(keyFingerprint), row: { version: 1, device } },
    recordEntry(draft, scene.random),
  ]);
  return device;
}

/** A device whose CA nobody here can register: its certificate stands in the listing and waits for the broker. */
export async function listChip(scene: Scene, serial = 'c1001'): Promise<Pump> {
  const issuer = await makeAuthority('Chip Root');
  trust(scene, issuer, 'root');
  const party = await makeDevice(issuer, serial);
  const pump = seedListing(scene, party, makeListing(scene, serial, { party, issuer, purpose: 'root' }));
  const row = wish({ certificateId: pump.certificateId, wanted: 'known', since: scene.clock.now() }, undefined);
  const detail = {
    actor: { kind: 'step', step: 'list-devices' },
    decision: 'done',
    inputs: {},
    requestId: 'list',
  } as const;
  const stream = STREAMS.certificate(pump.certificateId);
  const draft = { stream, seq: 1, kind: 'alignment-requested', time: scene.clock.now(), detail } as const;
  await scene.registry.commit([{ create: certificateKey(pump.certificateId), row }, recordEntry(draft, scene.random)]);
  return pump;
}

function seedListing({ registry }: Scene, party: Party, listing: Listing): Pump {
  const { fingerprint, device, keyFingerprint } = listing;
  registry.seed(listingKey(fingerprint), listing);
  registry.seed(idClaimKey(device), { version: 1, fingerprint });
  registry.seed(keyClaimKey(keyFingerprint), { version: 1, device });
  return { id: device, party, listing, certificateId: fingerprint };
}

/** As `claim-devices` leaves it: a listed device with an owner, its first entry, and the broker not aligned yet. */
export async function ownPump(scene: Scene, serial = 'P1001', wishes: Wishes = {}): Promise<Pump> {
  return own(scene, await listPump(scene, serial, wishes));
}

export async function own(scene: Scene, pump: Pump): Promise<Pump> {
  const now = scene.clock.now();
  const { path } = pump.listing;
  const identity = { id: pump.id, manufacturer: 'acme', path, factoryCertificate: pump.certificateId };
  const row = claim({ ...identity, owner: OWNER, now });
  const detail = {
    actor: { kind: 'iam', principal: PRINCIPAL },
    decision: 'done',
    inputs: {},
    requestId: 'claim',
  } as const;
  const draft = { stream: STREAMS.device(pump.id), seq: 1, kind: 'claimed', time: now, detail } as const;
  await scene.registry.commit([{ create: deviceKey(pump.id), row }, recordEntry(draft, scene.random)]);
  return pump;
}

interface Issued {
  readonly party: Party;
  readonly issuer: Party;
  readonly purpose: AnchorPurpose;
}

function makeListing(scene: Scene, serial: string, { party, issuer, purpose }: Issued): Listing {
  const { certificate } = party;
  const entry = { serial, certificate, keyFingerprint: certificate.keyFingerprint, chain: [] };
  const outcome = listDevice(entry, listingContext(scene, [anchorOf(issuer, purpose)]));
  if (outcome.outcome === 'refused') throw new Error(`scene: ${JSON.stringify(outcome.refusal)}`);
  return outcome.value;
}

function listingContext({ signer }: Scene, anchors: ListingContext['anchors']): ListingContext {
  return {
    manufacturer: 'acme',
    product: 'pump',
    lot: '7',
    manifest: 'd'.repeat(64),
    signedBy: { signer: signer.certificate.fingerprint, signedAt: '2026-10-01T08:00:00.000Z' },
    anchors,
    line: 2,
    now: '2026-10-02T09:00:00.000Z',
  };
}

export async function readDevice({ registry }: Pick<Scene, 'registry'>, id: string): Promise<Device | undefined> {
  const [row] = await registry.read([deviceKey(id)]);
  return row === undefined ? undefined : parseDevice(row);
}

export function entriesOf({ registry }: Pick<Scene, 'registry'>): readonly Entry[] {
  return registry.rows('ledger').map(({ row }) => parseEntry(row));
}

export function kindsOf(scene: Pick<Scene, 'registry'>, stream: string): readonly string[] {
  return entriesOf(scene).flatMap((entry) => (entry.stream === stream ? [entry.leaf.kind] : []));
}

/** What must be the same after a fault and a rerun: all rows, and all entries but for their ids and salts. */
export function stateOf(scene: Pick<Scene, 'registry'>) {
  const entries = entriesOf(scene).map(({ stream, seq, leaf: { kind }, detail }) => ({ stream, seq, kind, detail }));
  return {
    whitelist: scene.registry.rows('whitelist'),
    devices: scene.registry.rows('devices'),
    owners: scene.registry.rows('owners'),
    entries,
  };
}

/** The same where a rerun had to wait for the lease of a dead worker: times differ, leases and turns tell of no decision. */
export function timelessStateOf(scene: Pick<Scene, 'registry'>) {
  const { devices, ...rest } = stateOf(scene);
  const told = devices.filter(({ pk, sk }) => !pk.startsWith('quota#') && sk !== 'lease');
  return { ...rest, devices: told.map(({ row, ...key }) => ({ ...key, row: withoutTimes(row) })) };
}

function withoutTimes(row: object): object {
  const named = ['alignedAt', 'brokerPending', 'since'];
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, named.includes(name) ? 'a time' : (value as unknown)]),
  );
}

/** Streams whose entries are not numbered 1..n: a decision without an entry, or an entry without one. */
export function gapsIn(scene: Pick<Scene, 'registry'>): readonly string[] {
  const streams = Map.groupBy(entriesOf(scene), ({ stream }) => stream);
  return [...streams].flatMap(([stream, entries]) => {
    const numbers = entries.map(({ seq }) => seq);
    return numbers.every((seq, index) => seq === index + 1) ? [] : [`${stream}: ${numbers.join(', ')}`];
  });
}
