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

/** Under suspicion: nothing new is given to it until two people lift this. */
export interface QuarantinedDevice extends DeviceCore {
  readonly state: 'quarantined';
  readonly proof: OwnershipProof;
  /** `restricted`: it may go on publishing, but gets no keys; `cut`: the broker closes it. */
  readonly level: QuarantineLevel;
  /** What it was before: a device that was never admitted has nothing to go on with. */
  readonly from: 'owned' | 'registered';
  readonly cause: StandingCause;
  readonly quarantinedAt: string;
}

/** Final. A device that nobody ever owned can be denied as well: it has neither owner nor epoch then. */
export interface DeniedDevice extends Omit<DeviceCore, 'owner'> {
  readonly state: 'denied';
  readonly owner?: string;
  readonly cause: StandingCause;
  readonly deniedAt: string;
}

/**
 * `jitr`: just-in-time registration under a registered manufacturer CA; `registered`: its certificate was registered
 * with the broker beforehand, because nobody here can register its CA.
 */
export type RegistrationPath = 'jitr' | 'registered';
export type OwnershipProof = 'claim';
export type QuarantineLevel = 'restricted' | 'cut';
/** Words of a fixed list: free text would sooner or later name a patient. */
export const STANDING_CAUSES = ['clone', 'compromised', 'lost', 'stolen', 'faulty', 'investigation', 'other'] as const;
export type StandingCause = (typeof STANDING_CAUSES)[number];
export type Device = OwnedDevice | RegisteredDevice | QuarantinedDevice | DeniedDevice;
export type DeviceState = Device['state'];

interface Move {
  readonly from: DeviceState | 'listed';
  readonly to: DeviceState;
  readonly by: 'claim' | 'first-connect' | 'quarantine' | 'deny';
  readonly proof: string;
}

/**
 * The one table of legal moves; the functions below make them, and tests hold them to it. `listed` means that a whitelist
 * row exists and no device row.
 */
export const MOVES: readonly Move[] = [
  { from: 'listed', to: 'owned', by: 'claim', proof: 'an authorised act that names a known owner' },
  { from: 'owned', to: 'registered', by: 'first-connect', proof: 'a verified certificate that equals the listing' },
  { from: 'owned', to: 'quarantined', by: 'quarantine', proof: 'an authorised act with a cause' },
  { from: 'registered', to: 'quarantined', by: 'quarantine', proof: 'an authorised act with a cause' },
  { from: 'quarantined', to: 'quarantined', by: 'quarantine', proof: 'the same, from `restricted` to `cut` only' },
  { from: 'listed', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'owned', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'registered', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'quarantined', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
];

export type BrokerProjection =
  | { readonly factoryCertificate: 'absent' | 'inactive' | 'revoked' }
  | { readonly factoryCertificate: 'active'; readonly policy: 'registration' };

/** What AWS IoT Core must show of a device's factory certificate. */
export function projectionOf(device: Device): BrokerProjection {
  switch (device.state) {
    case 'owned':
      // Absent, so that the next connect is a fresh registration; one registered without a CA could not come back.
      return device.path === 'jitr' ? { factoryCertificate: 'absent' } : ACTIVE;
    case 'registered':
      return ACTIVE;
    case 'quarantined':
      // A cut is INACTIVE, never REVOKED: it can be lifted.
      return device.level === 'restricted' && device.from === 'registered'
        ? ACTIVE
        : { factoryCertificate: 'inactive' };
    case 'denied':
      return { factoryCertificate: 'revoked' };
  }
}

const ACTIVE: BrokerProjection = { factoryCertificate: 'active', policy: 'registration' };

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

export interface Quarantine {
  readonly level: QuarantineLevel;
  readonly cause: StandingCause;
  readonly now: string;
}

/** -> quarantined, or from `restricted` to `cut`; undefined where that is no legal move. */
export function quarantine(device: Device, { level, cause, now }: Quarantine): QuarantinedDevice | undefined {
  if (device.state === 'denied') return undefined;
  if (device.state === 'quarantined' && !(device.level === 'restricted' && level === 'cut')) return undefined;
  const from = device.state === 'quarantined' ? device.from : device.state;
  const { id, version, owner, epoch, manufacturer, path, factoryCertificate, proof } = device;
  const core = { id, version: version + 1, owner, epoch, manufacturer, path, factoryCertificate, proof };
  return {
    ...core,
    ...alignedAtOf(device),
    state: 'quarantined',
    level,
    from,
    cause,
    quarantinedAt: now,
    brokerPending: now,
  };
}

export interface Denial {
  readonly cause: StandingCause;
  readonly now: string;
}

/** Any state -> denied; undefined when it is denied already. */
export function deny(device: Device, { cause, now }: Denial): DeniedDevice | undefined {
  if (device.state === 'denied') return undefined;
  const { id, version, owner, epoch, manufacturer, path, factoryCertificate } = device;
  const core = { id, version: version + 1, owner, epoch, manufacturer, path, factoryCertificate };
  return { ...core, ...alignedAtOf(device), state: 'denied', cause, deniedAt: now, brokerPending: now };
}

/** (listed) -> denied: nobody owns it, and nobody ever will. */
export function denyListed(listed: Omit<Claim, 'owner' | 'now'>, { cause, now }: Denial): DeniedDevice {
  return { ...listed, version: 1, epoch: 0, state: 'denied', cause, deniedAt: now, brokerPending: now };
}

function alignedAtOf({ alignedAt }: Device) {
  return alignedAt === undefined ? {} : { alignedAt };
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

/** Admitted, and in use: the broker shows its certificate ACTIVE because of a first connect. */
export function isAdmitted(device: Device): boolean {
  return device.state !== 'owned' && projectionOf(device).factoryCertificate === 'active';
}

export function isRegistered(device: Device): device is RegisteredDevice {
  return device.state === 'registered';
}

export function isQuarantined(device: Device): device is QuarantinedDevice {
  return device.state === 'quarantined';
}

export function isDenied(device: Device): device is DeniedDevice {
  return device.state === 'denied';
}

export function isOwned(device: Device): device is OwnedDevice {
  return device.state === 'owned';
}

/** The only way from a stored row back to a typed state; anything unexpected is a fault, never a default. */
export function parseDevice(row: Attributes): Device {
  const state = text(row, 'state');
  if (state === 'denied') return parseDenied(row);
  const core = {
    ...parseCore(row),
    owner: text(row, 'owner'),
    epoch: count(row, 'epoch', 1),
    proof: oneOf(row, 'proof', PROOFS),
  };
  if (state === 'owned') return { ...core, state };
  if (state === 'registered') return { ...core, state, registeredAt: text(row, 'registeredAt') };
  if (state === 'quarantined') {
    const [level, from] = [oneOf(row, 'level', LEVELS), oneOf(row, 'from', STATES_BEFORE)];
    const cause = oneOf(row, 'cause', STANDING_CAUSES);
    return { ...core, state, level, from, cause, quarantinedAt: text(row, 'quarantinedAt') };
  }
  throw new Fault('row-malformed', `device "${core.id}": expected a known state, got "${state}"`);
}

function parseDenied(row: Attributes): DeniedDevice {
  return {
    ...parseCore(row),
    state: 'denied',
    ...(row['owner'] === undefined ? {} : { owner: text(row, 'owner') }),
    epoch: count(row, 'epoch', row['owner'] === undefined ? 0 : 1),
    cause: oneOf(row, 'cause', STANDING_CAUSES),
    deniedAt: text(row, 'deniedAt'),
  };
}

function parseCore(row: Attributes) {
  return {
    id: text(row, 'id'),
    version: count(row, 'version', 1),
    manufacturer: text(row, 'manufacturer'),
    path: oneOf(row, 'path', PATHS),
    factoryCertificate: text(row, 'factoryCertificate'),
    ...(row['brokerPending'] === undefined ? {} : { brokerPending: text(row, 'brokerPending') }),
    ...(row['alignedAt'] === undefined ? {} : { alignedAt: text(row, 'alignedAt') }),
  };
}

type Attributes = Readonly<Record<string, unknown>>;

function text(row: Attributes, name: string): string {
  const value = row[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Fault('row-malformed', `device row: expected text in "${name}", got ${typeof value}`);
}

function count(row: Attributes, name: string, least: number): number {
  const value = row[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new Fault('row-malformed', `device row: expected a whole number from ${least} in "${name}"`);
}

function oneOf<T extends string>(row: Attributes, name: string, words: readonly T[]): T {
  const value = text(row, name);
  const known = words.find((word) => word === value);
  if (known !== undefined) return known;
  throw new Fault('row-malformed', `device row: expected one of ${words.join(', ')} in "${name}", got "${value}"`);
}

const PATHS: readonly RegistrationPath[] = ['jitr', 'registered'];
const PROOFS: readonly OwnershipProof[] = ['claim'];
const LEVELS: readonly QuarantineLevel[] = ['restricted', 'cut'];
const STATES_BEFORE: readonly QuarantinedDevice['from'][] = ['owned', 'registered'];
