// What if all devices are switched on at once? As many as you like, owned and listed, against AWS's default quotas, and as
// much disorder as wanted: how long until all are in, is anyone lost, admitted twice or stuck?
import { hash } from 'node:crypto';

import { recordEntry, STREAMS } from '../../shared/ledger/entry.ts';
import { deviceKey } from '../../shared/lifecycle.ts';
import { claim, markAligned } from '../../shared/lifecycle-moves.ts';
import { OWNER } from '../functions/scene.ts';
import { Cloud, type CloudTerms } from './cloud.ts';
import { PoweredDevice } from './devices.ts';
import { unsettled } from './final-laws.ts';
import { PER_SECOND, type BrokerCall } from './iot-quotas.ts';
import { paper, type Paper } from './paper-certificates.ts';
import { knowOwner, list, trustAuthority } from './settings.ts';

export interface StormTerms {
  readonly devices: number;
  /** Devices that nobody listed, and as many that pose as listed ones, under another CA of the maker. */
  readonly intruders?: number;
  /** Duplicates 20 %, reorder window 16, spurious throttles 10 %. */
  readonly isRude?: boolean;
  /** How many certificates a second the broker takes in by itself; 15, AWS's default, unless told. */
  readonly entersPerSecond?: number;
}

export interface Storm {
  readonly devices: number;
  readonly admitted: number;
  /** Never let in. */
  readonly lost: number;
  /** Admitted or activated more than once. */
  readonly twice: number;
  /** Rows that the broker still may not match, when it was all over. */
  readonly stuck: number;
  readonly breaks: readonly string[];
  /** Virtual time from the switch until the last device was active at the broker. */
  readonly drainSeconds: number;
  /** What the quotas allow: the scarcest kind of call decides. */
  readonly boundPerSecond: number;
  readonly perSecond: number;
  /** Calls of the broker for each admission, by kind. */
  readonly callsPerAdmission: Readonly<Record<string, number>>;
  /** Of `register-device`: table reads and transactions for each notice it was given. */
  readonly readsPerNotice: number;
  readonly transactionsPerAdmission: number;
  readonly notices: number;
  readonly throttled: number;
  /** Whether the CA of the intruders, and that of the devices, was closed to new certificates at the end. */
  readonly closedFor: { readonly intruders: boolean; readonly devices: boolean };
  readonly intrudersIn: number;
}

const SWITCHED_ON_WITHIN_MS = 10_000;
const BACKOFF = { firstMs: 10_000, mostMs: 300_000 };
const TICK_MS = 1_000;
const MOST_MS = 60 * 60_000;
/** Longer than any device waits before it comes back. */
const AFTERMATH_MS = 6 * 60_000;
/** AWS's default: so many certificates a second enter by just-in-time registration. */
const ENTERS_PER_SECOND = 15;
const RUDE = { duplicates: 0.2, window: 16, throttles: 0.1 };

export async function runStorm({
  devices,
  intruders = 0,
  isRude = false,
  entersPerSecond = ENTERS_PER_SECOND,
}: StormTerms): Promise<Storm> {
  const terms: CloudTerms = {
    ...{ seed: 'storm', pendingDays: 30, entersPerSecond },
    ...(isRude ? RUDE : { duplicates: 0, window: 1, throttles: 0 }),
  };
  const cloud = new Cloud(terms);
  const powered = await makeDevices(devices, cloud);
  const others = await makeIntruders(intruders, cloud);
  const start = cloud.time.ms;
  for (const device of [...powered, ...others]) device.switchOn(cloud.chance.between(0, SWITCHED_ON_WITHIN_MS));
  const lastActive = await drain(devices, start, cloud);
  await cloud.time.runUntil(cloud.time.ms + AFTERMATH_MS);
  await letBreakerOpen(others, cloud);
  return report({ devices, powered, others, drainMs: lastActive - start }, cloud);
}

const AUTHORITY = paper({ name: 'Acme Root' });
const STOLEN = paper({ name: 'Acme Second Root' });

async function makeDevices(count: number, cloud: Cloud): Promise<readonly PoweredDevice[]> {
  await trustAuthority(cloud, AUTHORITY);
  knowOwner(cloud);
  const authority = AUTHORITY.certificate.fingerprint;
  const devices: PoweredDevice[] = [];
  for (let index = 0; index < count; index += 1) {
    const serial = serialOf(index);
    const [fingerprint, keyFingerprint] = [hash('sha256', `storm ${serial}`), hash('sha256', `storm key ${serial}`)];
    const made = { serial, fingerprint, keyFingerprint, serialNumber: fingerprint.slice(0, 32), issuer: AUTHORITY };
    const id = list(cloud, { ...made, path: 'jitr' });
    await ownLongAgo(id, fingerprint, cloud);
    const terms = { certificateId: fingerprint, authority, backoff: BACKOFF };
    devices.push(new PoweredDevice(terms, cloud, cloud.chance.for(serial)));
  }
  return devices;
}

function serialOf(index: number): string {
  return `S${String(index).padStart(6, '0')}`;
}

/** Claimed, and the broker was seen to match, before the story begins. */
async function ownLongAgo(id: string, factoryCertificate: string, cloud: Cloud): Promise<void> {
  const now = new Date(cloud.time.ms - 86_400_000).toISOString();
  const owned = claim({ id, manufacturer: 'acme', path: 'jitr', factoryCertificate, owner: OWNER, now });
  const aligned = markAligned(owned, now);
  const actor = { kind: 'step', step: 'setting' } as const;
  const detail = { actor, decision: 'done', inputs: {}, requestId: 'setting' } as const;
  const entry = (kind: 'claimed' | 'aligned', seq: number) =>
    recordEntry({ stream: STREAMS.device(id), seq, kind, time: now, detail }, cloud.random);
  const key = deviceKey(id);
  await cloud.watched.commit([{ create: key, row: owned }, entry('claimed', 1)]);
  await cloud.watched.commit([{ replace: key, previous: owned, next: aligned }, entry('aligned', 2)]);
}

async function makeIntruders(count: number, cloud: Cloud): Promise<readonly PoweredDevice[]> {
  if (count === 0) return [];
  await trustAuthority(cloud, STOLEN);
  const strangers = Array.from({ length: count }, (_none, index) => paper({ name: `X${index}`, issuer: STOLEN }));
  const clones = Array.from({ length: count }, (_none, index) =>
    paper({ name: serialOf(index), key: `clone ${index}`, issuer: STOLEN }),
  );
  return [...strangers, ...clones].map((intruder) => power(intruder, cloud));
}

function power({ certificate: { fingerprint: certificateId }, pem }: Paper, cloud: Cloud): PoweredDevice {
  const authority = STOLEN.certificate.fingerprint;
  return new PoweredDevice({ certificateId, authority, pem, backoff: BACKOFF }, cloud, cloud.chance.for(certificateId));
}

/** Until every device is active, or nothing moves any more; answers when the last one became so. */
async function drain(devices: number, start: number, cloud: Cloud): Promise<number> {
  const active = new Set<string>();
  let [seen, last] = [0, start];
  while (active.size < devices && cloud.time.ms < start + MOST_MS) {
    await cloud.time.runUntil(cloud.time.ms + TICK_MS);
    const { changes } = cloud.broker;
    for (; seen < changes.length; seen += 1) {
      const [call, id = '', status] = (changes[seen] ?? '').split(' ');
      if (call !== 'setStatus' || status !== 'ACTIVE' || active.has(id)) continue;
      active.add(id);
      last = cloud.time.ms;
    }
  }
  return last;
}

/** The clones go on asking when the rush is over; then there is time to look at them. */
async function letBreakerOpen(others: readonly PoweredDevice[], cloud: Cloud): Promise<void> {
  const end = cloud.time.ms + 30 * 60_000;
  const isOpen = () => cloud.authorities.isOpen(STOLEN.certificate.fingerprint);
  while (others.length > 0 && isOpen() && cloud.time.ms < end) await cloud.time.runUntil(cloud.time.ms + TICK_MS);
}

interface Ended {
  readonly devices: number;
  readonly powered: readonly PoweredDevice[];
  readonly others: readonly PoweredDevice[];
  readonly drainMs: number;
}

function report({ devices, powered, others, drainMs }: Ended, cloud: Cloud): Storm {
  const { laws, quotas, queues, broker } = cloud;
  const admissions = admissionsOf(cloud);
  const activations = countEach(broker.changes.filter((change) => /^setStatus \S+ ACTIVE$/.test(change)));
  const per = (count: number, of: number) => Math.round((count / of) * 1000) / 1000;
  const callsPerAdmission = Object.fromEntries([...quotas.taken].map(([call, count]) => [call, per(count, devices)]));
  const notices = queues.registrations.sent + queues.registrations.duplicated;
  return {
    ...{ devices, admitted: admissions.size, breaks: laws.breaks, drainSeconds: drainMs / 1000 },
    lost: powered.filter(({ seen }) => seen !== 'connected').length,
    twice: [...admissions.values(), ...activations.values()].filter((count) => count > 1).length,
    stuck: unsettled(cloud).filter((row) => row.startsWith('device#')).length,
    boundPerSecond: Math.min(...NEEDED.map((call) => PER_SECOND[call])),
    perSecond: per(devices, drainMs / 1000),
    ...{ callsPerAdmission, notices, throttled: cloud.throttled },
    readsPerNotice: per(
      callsOf(cloud, 'register-device registry.read listing', 'register-device registry.read device'),
      notices,
    ),
    transactionsPerAdmission: per(callsOf(cloud, 'register-device registry.commit device'), devices),
    closedFor: { intruders: others.length > 0 && !isOpen(STOLEN, cloud), devices: !isOpen(AUTHORITY, cloud) },
    intrudersIn: others.filter(({ letInAt }) => letInAt !== undefined).length,
  };
}

/** What one admission costs at the broker, once each. */
export const NEEDED: readonly BrokerCall[] = [
  'findCertificate',
  'createThing',
  'attachThing',
  'attachPolicy',
  'setStatus',
];

function admissionsOf({ laws }: Cloud): ReadonlyMap<string, number> {
  const admissions = new Map<string, number>();
  for (const [stream, entries] of laws.entries) {
    const admitted = entries.filter(({ leaf }) => leaf.kind === 'admitted').length;
    if (admitted > 0) admissions.set(stream, admitted);
  }
  return admissions;
}

function countEach(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function callsOf({ calls }: Cloud, ...sites: readonly string[]): number {
  return sites.reduce((sum, site) => sum + (calls.get(site) ?? 0), 0);
}

function isOpen({ certificate }: Paper, { authorities }: Cloud): boolean {
  return authorities.isOpen(certificate.fingerprint);
}
