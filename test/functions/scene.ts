// Where do the flows play in the tests? One maker with its authority and signer, one hospital, and fakes of the world.
import type { Entry } from '../../shared/ledger/entry.ts';
import { parseEntry, recordEntry, STREAMS } from '../../shared/ledger/entry.ts';
import { anchorKey, anchorRow, authorityKey, ownerKey } from '../../shared/identity/anchor.ts';
import { claim, deviceKey, parseDevice, type Device } from '../../shared/lifecycle.ts';
import { idClaimKey, listDevice, listingKey, type Listing } from '../../shared/whitelist/listing.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeCallerIdentity } from '../fakes/fake-caller-identity.ts';
import { FixedClock } from '../fakes/fixed-clock.ts';
import { MemoryAlignmentQueue } from '../fakes/memory-alignment-queue.ts';
import { MemoryAuthorityRegistry } from '../fakes/memory-authority-registry.ts';
import { MemoryBroker } from '../fakes/memory-broker.ts';
import { MemoryManifestStore } from '../fakes/memory-manifest-store.ts';
import { MemoryRegistry } from '../fakes/memory-registry.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party, type Wishes } from '../pki/certificates.ts';

export const ACCOUNT = '123456789012';
export const OWNER = 'st-anna';
export const PRINCIPAL = `arn:aws:sts::${ACCOUNT}:assumed-role/operator/ann`;
export const AUDIENCE = `arn:aws:lambda:eu-central-1:${ACCOUNT}:function:wardkey-step-under-test`;
export const NOW = '2026-11-24T12:00:00.000Z';

export type Scene = Awaited<ReturnType<typeof makeScene>>;

/** The maker's authority and signer are trusted, the hospital is known; nothing is listed yet. */
export async function makeScene() {
  const authority = await makeAuthority('Acme Root');
  const signer = await makeSigner();
  const authorities = new MemoryAuthorityRegistry();
  const scene = {
    authority,
    signer,
    authorities,
    registry: new MemoryRegistry(),
    alignments: new MemoryAlignmentQueue(),
    manifests: new MemoryManifestStore(),
    broker: new MemoryBroker({ policies: ['registration', 'operation'] }),
    policies: { registration: 'registration' },
    callers: new FakeCallerIdentity(),
    clock: new FixedClock(NOW),
    random: new CountingRandomness(),
    audience: AUDIENCE,
    requestId: 'request-1',
  };
  trustAuthority(scene.registry, authority);
  scene.registry.seed(
    anchorKey('acme', 'authority', authority.certificate.fingerprint),
    anchorRow(anchorOf(authority, 'authority')),
  );
  scene.registry.seed(
    anchorKey('acme', 'signer', signer.certificate.fingerprint),
    anchorRow(anchorOf(signer, 'signer')),
  );
  scene.registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER });
  return scene;
}

/** As `change-trust` leaves it: the CA under the id that IoT Core names in its events. */
export function trustAuthority(registry: MemoryRegistry, { certificate }: Party, manufacturer = 'acme'): void {
  const { fingerprint } = certificate;
  registry.seed(authorityKey(fingerprint), { version: 1, fingerprint, manufacturer });
}

export interface Pump {
  readonly id: string;
  readonly party: Party;
  readonly listing: Listing;
  readonly certificateId: string;
}

/** As `import-manifest` leaves it: a listing and its id. */
export async function listPump(scene: Scene, serial = 'P1001', wishes: Wishes = {}): Promise<Pump> {
  const party = await makeDevice(scene.authority, serial, wishes);
  const listing = makeListing(scene, serial, party);
  scene.registry.seed(listingKey(listing.fingerprint), listing);
  scene.registry.seed(idClaimKey(listing.device), { version: 1, fingerprint: listing.fingerprint });
  return { id: listing.device, party, listing, certificateId: listing.fingerprint };
}

/** As `claim-devices` leaves it: a listed device with an owner, its first entry, and the broker not aligned yet. */
export async function ownPump(scene: Scene, serial = 'P1001', wishes: Wishes = {}): Promise<Pump> {
  const pump = await listPump(scene, serial, wishes);
  const now = scene.clock.now();
  const row = claim({ id: pump.id, manufacturer: 'acme', factoryCertificate: pump.certificateId, owner: OWNER, now });
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

function makeListing({ authority, signer }: Scene, serial: string, { der }: Party): Listing {
  const fingerprint = signer.certificate.fingerprint;
  const manifest = {
    digest: 'd'.repeat(64),
    manufacturer: 'acme',
    signer: fingerprint,
    signedAt: '2026-10-01T08:00:00.000Z',
  };
  const header = { format: 'wardkey-manifest/1', manufacturer: 'acme', product: 'pump', lot: '7', count: 1 } as const;
  const outcome = listDevice(
    { serial, certificate: der.toString('base64') },
    {
      manifest: manifest as unknown as Parameters<typeof listDevice>[1]['manifest'],
      header,
      authorities: [anchorOf(authority, 'authority')],
      line: 2,
      now: '2026-10-02T09:00:00.000Z',
    },
  );
  if (outcome.outcome === 'refused') throw new Error(`scene: ${JSON.stringify(outcome.refusal)}`);
  return outcome.value;
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

/** Streams whose entries are not numbered 1..n: a decision without an entry, or an entry without one. */
export function gapsIn(scene: Pick<Scene, 'registry'>): readonly string[] {
  const streams = Map.groupBy(entriesOf(scene), ({ stream }) => stream);
  return [...streams].flatMap(([stream, entries]) => {
    const numbers = entries.map(({ seq }) => seq);
    return numbers.every((seq, index) => seq === index + 1) ? [] : [`${stream}: ${numbers.join(', ')}`];
  });
}
