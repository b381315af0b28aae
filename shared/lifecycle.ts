// Which states can a device be in, and who may move it? The only file that compares states (blueprint steps 2 and 3).
import { Fault } from './outcome.ts';

interface DeviceCore {
  /** Thing name and MQTT client id too; made by shared/identity/device-id.ts. */
  readonly id: string;
  /** Grows by one with every change; every change is conditional on it. */
  readonly version: number;
  readonly owner: string;
  /** Grows by one with each change of owner; orders events inside this deployment only. */
  readonly epoch: number;
  readonly manufacturer: string;
  /** How the device reaches the broker; from its listing. */
  readonly path: RegistrationPath;
  /** SHA-256 of the listed factory certificate's DER: its certificateId in AWS IoT Core. */
  readonly factoryCertificate: string;
  /** Since when IoT Core may differ from this row (ISO 8601); absent once it was seen to match. */
  readonly brokerPending?: string;
  /** When IoT Core was last seen to match. */
  readonly alignedAt?: string;
}

export interface OwnedDevice extends DeviceCore {
  readonly state: 'owned';
  /** How ownership was shown. A claim is an operator's word, weaker than a voucher, and shown as such. */
  readonly proof: OwnershipProof;
}

export interface RegisteredDevice extends DeviceCore {
  readonly state: 'registered';
  readonly proof: OwnershipProof;
  readonly registeredAt: string;
}

/**
 * `jitr`: just-in-time registration under a registered manufacturer CA; `registered`: its certificate was registered
 * with the broker beforehand, because nobody here can register its CA.
 */
export type RegistrationPath = 'jitr' | 'registered';
export type OwnershipProof = 'claim';
export type Device = OwnedDevice | RegisteredDevice;
export type DeviceState = Device['state'];

interface Move {
  readonly from: DeviceState | 'listed';
  readonly to: DeviceState;
  readonly by: 'claim' | 'first-connect';
  readonly proof: string;
}

/** The one table of legal moves; `listed` means that a whitelist row exists and no device row. */
export const MOVES: readonly Move[] = [
  { from: 'listed', to: 'owned', by: 'claim', proof: 'an authorised act that names a known owner' },
  { from: 'owned', to: 'registered', by: 'first-connect', proof: 'a verified certificate that equals the listing' },
];

const ACTIVE: BrokerProjection = { factoryCertificate: 'active', policy: 'registration' };

/** What AWS IoT Core must show of a device's factory certificate, by its state and path. */
export const BROKER_PROJECTION: Readonly<Record<DeviceState, Readonly<Record<RegistrationPath, BrokerProjection>>>> = {
  // Absent, so that the next connect is a fresh registration; a certificate registered without a CA could not come back.
  owned: { jitr: { factoryCertificate: 'absent' }, registered: ACTIVE },
  registered: { jitr: ACTIVE, registered: ACTIVE },
};

export type BrokerProjection =
  | { readonly factoryCertificate: 'absent' }
  | { readonly factoryCertificate: 'active'; readonly policy: 'registration' };

export interface Claim {
  readonly id: string;
  readonly manufacturer: string;
  readonly path: RegistrationPath;
  readonly factoryCertificate: string;
  readonly owner: string;
  readonly now: string;
}

/** (listed) -> owned. */
export function claim({ id, manufacturer, path, factoryCertificate, owner, now }: Claim): OwnedDevice {
  const identity = { id, manufacturer, path, factoryCertificate };
  return { ...identity, state: 'owned', version: 1, owner, epoch: 1, proof: 'claim', brokerPending: now };
}

/** owned -> registered. */
export function register(device: OwnedDevice, now: string): RegisteredDevice {
  return { ...device, state: 'registered', version: device.version + 1, registeredAt: now, brokerPending: now };
}

/** IoT Core was seen to match this very version. */
export function markAligned(device: Device, now: string): Device {
  const next: Device & { brokerPending?: string } = { ...device, version: device.version + 1, alignedAt: now };
  delete next.brokerPending;
  return next;
}

/** IoT Core was seen to differ from a row that had settled. */
export function markPending(device: Device, now: string): Device {
  return { ...device, version: device.version + 1, brokerPending: now };
}

export function deviceKey(id: string) {
  return { table: 'devices', pk: `device#${id}`, sk: 'row' } as const;
}

/** Admitted, and not more: its factory certificate is its only one. */
export function isRegistered(device: Device): device is RegisteredDevice {
  return device.state === 'registered';
}

export function isOwned(device: Device): device is OwnedDevice {
  return device.state === 'owned';
}

/** The only way from a stored row back to a typed state; anything unexpected is a fault, never a default. */
export function parseDevice(row: Readonly<Record<string, unknown>>): Device {
  const core = {
    id: text(row, 'id'),
    version: count(row, 'version'),
    owner: text(row, 'owner'),
    epoch: count(row, 'epoch'),
    manufacturer: text(row, 'manufacturer'),
    path: path(row),
    factoryCertificate: text(row, 'factoryCertificate'),
    proof: proof(row),
    ...(row['brokerPending'] === undefined ? {} : { brokerPending: text(row, 'brokerPending') }),
    ...(row['alignedAt'] === undefined ? {} : { alignedAt: text(row, 'alignedAt') }),
  };
  const state = text(row, 'state');
  if (state === 'owned') return { ...core, state };
  if (state === 'registered') return { ...core, state, registeredAt: text(row, 'registeredAt') };
  throw new Fault('row-malformed', `device "${core.id}": expected a known state, got "${state}"`);
}

function text(row: Readonly<Record<string, unknown>>, name: string): string {
  const value = row[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Fault('row-malformed', `device row: expected text in "${name}", got ${typeof value}`);
}

function count(row: Readonly<Record<string, unknown>>, name: string): number {
  const value = row[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new Fault('row-malformed', `device row: expected a positive integer in "${name}"`);
}

function path(row: Readonly<Record<string, unknown>>): RegistrationPath {
  const value = text(row, 'path');
  if (value === 'jitr' || value === 'registered') return value;
  throw new Fault('row-malformed', `device row: expected a known path, got "${value}"`);
}

function proof(row: Readonly<Record<string, unknown>>): OwnershipProof {
  const value = text(row, 'proof');
  if (value === 'claim') return value;
  throw new Fault('row-malformed', `device row: expected a known proof of ownership, got "${value}"`);
}
