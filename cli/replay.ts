// What would `register-device` decide of this event in this world? The same flow, on rows from a file.
import { hash } from 'node:crypto';

import * as z from 'zod';

import {
  registerDevice,
  type RegisterDeviceWorld,
  type Registration,
} from '../functions/onboarding/register-device/flow.ts';
import { parseNotice, type Notice } from '../functions/onboarding/register-device/notice.ts';
import { parseEntry, type Entry } from '../shared/ledger/entry.ts';
import { parseDevice } from '../shared/device-row.ts';
import { deviceKey, isQuarantined } from '../shared/lifecycle.ts';
import type { Outcome } from '../shared/outcome.ts';
import type { AlignmentQueue, BrokerCertificate, Registry } from '../shared/ports.ts';
import { certificateKey, parseCertificateRow, type CertificateRow } from '../shared/whitelist/certificate-row.ts';
import { listingKey, parseListing } from '../shared/whitelist/listing.ts';
import { explain, type Explanation, type FirstConnect } from './explain.ts';
import { replayRegistry, type StoredRow } from './replay-registry.ts';

const FILE = z.strictObject({
  /**
   * As IoT Core publishes it: `$aws/events/certificates/registered/<caCertificateId>`, or
   * `$aws/events/presence/connected/<clientId>`.
   */
  event: z.unknown(),
  world: z.strictObject({
    now: z.iso.datetime(),
    account: z.string(),
    /** What the broker knows of certificates that are not listed: PEM by certificateId. */
    broker: z.record(z.string(), z.string()).default({}),
    rows: z.array(
      z.strictObject({
        table: z.enum(['whitelist', 'devices', 'owners', 'ledger']),
        pk: z.string(),
        sk: z.string(),
        row: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
});

/** An event and the world it meets: `events/register-device/<case>.json`. */
export type ReplayFile = z.infer<typeof FILE>;

export interface Replay {
  readonly outcome: Outcome<Registration>;
  readonly explanation: Explanation;
  readonly connect: FirstConnect;
  /** What the ledger would hold of it, without ids and salts, which are chance. */
  readonly entries: readonly (Pick<Entry, 'stream' | 'seq' | 'detail'> & {
    readonly kind: string;
    readonly time: string;
  })[];
  /** Rows of the Devices table afterwards. */
  readonly rows: readonly StoredRow[];
  /** What would be asked of the steps that change the broker. */
  readonly requests: readonly BrokerRequest[];
  /** What is wished of the certificate at the broker, where this event changed it. */
  readonly wish?: Wish;
}

export type Wish = Pick<CertificateRow, 'certificateId' | 'wanted' | 'brokerPending'>;

export interface BrokerRequest {
  readonly about: 'device' | 'certificate' | 'revocation' | 'authority';
  readonly id: string;
}

export function parseReplayFile(text: string): ReplayFile {
  return FILE.parse(JSON.parse(text));
}

export async function replayRegisterDevice({ event, world }: ReplayFile): Promise<Replay> {
  const now = new Date(Date.parse(world.now)).toISOString();
  const registry = replayRegistry(world.rows);
  const notice = parseNotice(JSON.stringify(event), world.account);
  const met = notice.outcome === 'done' ? await readMet(notice.value, registry) : NOTHING_MET;
  const requests: BrokerRequest[] = [];
  const outcome =
    notice.outcome === 'refused'
      ? notice
      : await registerDevice(notice.value, flowWorld({ registry, now, requests, broker: world.broker }));
  const flood = requests.some(({ about }) => about === 'authority');
  const connect: FirstConnect = { ...met.connect, now, asked: requests.length > 0, ...(flood ? { flood } : {}) };
  const before = new Set(world.rows.map(({ table, sk }) => `${table} ${sk}`));
  const fresh = registry.rows('ledger').filter(({ table, sk }) => !before.has(`${table} ${sk}`));
  return {
    outcome,
    explanation: explain(outcome, connect),
    connect,
    entries: fresh.map(({ row }) => showEntry(parseEntry(row))),
    rows: registry.rows('devices'),
    requests,
    ...(await readWish(met, registry)),
  };
}

interface Met {
  readonly connect: Omit<FirstConnect, 'now' | 'asked'>;
  readonly certificate?: CertificateRow;
}

const NOTHING_MET: Met = { connect: { event: 'none' } };

/** What the world of the file knows of the certificate before it is decided. */
async function readMet({ event, certificateId, connectedAt }: Notice, registry: Registry): Promise<Met> {
  const [listed, row] = await registry.read([listingKey(certificateId), certificateKey(certificateId)]);
  const listing = listed === undefined ? undefined : parseListing(listed);
  const connect = { event, certificateId, connectedAt, ...(await readListed(listing, registry)) };
  return row === undefined ? { connect } : { connect, certificate: parseCertificateRow(row) };
}

async function readListed(
  listing: { readonly device: string; readonly product: string } | undefined,
  registry: Registry,
) {
  if (listing === undefined) return {};
  const { device, product } = listing;
  const [row] = await registry.read([deviceKey(device)]);
  const stored = row === undefined ? undefined : parseDevice(row);
  const restricted = stored !== undefined && isQuarantined(stored) && stored.level === 'restricted';
  return restricted ? { device, product, restricted } : { device, product };
}

async function readWish({ connect, certificate }: Met, registry: Registry): Promise<Pick<Replay, 'wish'>> {
  const [row] = await registry.read([certificateKey(connect.certificateId ?? '')]);
  if (row === undefined) return {};
  const { version, certificateId, wanted, brokerPending } = parseCertificateRow(row);
  if (version === certificate?.version) return {};
  return { wish: { certificateId, wanted, ...(brokerPending === undefined ? {} : { brokerPending }) } };
}

interface Stage {
  readonly registry: Registry;
  readonly now: string;
  readonly requests: BrokerRequest[];
  readonly broker: Readonly<Record<string, string>>;
}

function flowWorld({ registry, now, requests, broker }: Stage): RegisterDeviceWorld {
  return {
    registry,
    alignments: collect(requests),
    broker: { findCertificate: (certificateId) => Promise.resolve(shownBy(broker, certificateId)) },
    quota: { tryTurn: () => Promise.resolve(true) },
    pendingDays: PENDING_DAYS,
    clock: { now: () => now, pause: () => Promise.resolve() },
    random: { newId: () => 'replay', newSalt: () => hash('sha256', 'replay', 'buffer') },
    requestId: 'replay',
  };
}

function collect(requests: BrokerRequest[]): AlignmentQueue {
  const ask = (about: BrokerRequest['about']) => (id: string) => Promise.resolve(void requests.push({ about, id }));
  return {
    request: ask('device'),
    requestCertificate: ask('certificate'),
    requestRevocation: ask('revocation'),
    requestAuthority: ask('authority'),
  };
}

function shownBy(broker: Readonly<Record<string, string>>, certificateId: string): BrokerCertificate | undefined {
  const pem = broker[certificateId];
  const about = { certificateId, arn: `certificate/${certificateId}`, status: 'PENDING_ACTIVATION' } as const;
  return pem === undefined ? undefined : { ...about, pem };
}

/** The default of a deployment. */
const PENDING_DAYS = 30;

function showEntry({ stream, seq, leaf: { kind, time }, detail }: Entry) {
  return { stream, seq, kind, time, detail };
}
