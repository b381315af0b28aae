// Which states can a device be in, which moves between them are legal, and what does each mean? The only file that compares
// states (blueprint steps 2 and 3).
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
  /** Where its owner put it: an opaque ward code, which policies may name. */
  readonly placement?: string;
}

/** A certificate that the owner's issuing CA signed for a key the device had just made. */
export interface OperationalCertificate {
  /** SHA-256 of its DER: its name at the broker. */
  readonly certificateId: string;
  /** SHA-256 of the issuing CA's certificate. */
  readonly issuer: string;
  /** Lower-case hex, as in the certificate. */
  readonly serial: string;
  readonly issuedAt: string;
  /** From then on the device may replace it, and is asked to. */
  readonly renewFrom: string;
  readonly notAfter: string;
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
  /** Issued, and not yet confirmed over itself: the broker lets it in beside the certificate it is to replace. */
  readonly offered?: OperationalCertificate;
}

/** It has confirmed a certificate of its owner's, with a key of its own: the factory certificate is spent. */
export interface OperationalDevice extends DeviceCore {
  readonly state: 'operational';
  readonly proof: OwnershipProof;
  readonly registeredAt: string;
  readonly operationalAt: string;
  readonly current: OperationalCertificate;
  readonly offered?: OperationalCertificate;
  /** While it is open, the factory certificate may begin anew; opening it changes nothing else. */
  readonly window?: ResetWindow;
}

export interface ResetWindow {
  readonly opens: string;
  readonly closes: string;
}

/** A maintenance visit, not a standing invitation. */
export const WINDOW_HOURS_MOST = 72;

/** Under suspicion: nothing new is given to it until two people lift this. */
export interface QuarantinedDevice extends DeviceCore {
  readonly state: 'quarantined';
  readonly proof: OwnershipProof;
  /** `restricted`: it may go on publishing, but gets no keys; `cut`: the broker closes it. */
  readonly level: QuarantineLevel;
  /** What it was before: a device that was never admitted has nothing to go on with. */
  readonly from: 'owned' | 'registered' | 'operational';
  /** The certificate with which an operational device may go on publishing. */
  readonly current?: OperationalCertificate;
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

/** Final, without suspicion: taken out of use by its owner. */
export interface RetiredDevice extends DeviceCore {
  readonly state: 'retired';
  readonly cause: StandingCause;
  readonly retiredAt: string;
}

/**
 * `jitr`: just-in-time registration under a registered manufacturer CA; `registered`: its certificate was registered
 * with the broker beforehand, because nobody here can register its CA.
 */
export type RegistrationPath = 'jitr' | 'registered';
export type OwnershipProof = 'claim';
export type QuarantineLevel = 'restricted' | 'cut';
/** Words of a fixed list: free text would sooner or later name a patient. */
export const STANDING_CAUSES = [
  'clone',
  'compromised',
  'lost',
  'stolen',
  'faulty',
  'investigation',
  'end-of-life',
  'other',
] as const;
export type StandingCause = (typeof STANDING_CAUSES)[number];
export type Device =
  OwnedDevice | RegisteredDevice | OperationalDevice | QuarantinedDevice | DeniedDevice | RetiredDevice;
export type DeviceState = Device['state'];

interface Move {
  readonly from: DeviceState | 'listed';
  readonly to: DeviceState;
  readonly by: 'claim' | 'first-connect' | 'confirm' | 'reset' | 'quarantine' | 'lift' | 'deny' | 'retire';
  readonly proof: string;
}

/**
 * The one table of legal moves; the functions in lifecycle-moves.ts make them, and tests hold them to it. `listed` means
 * that a whitelist row exists and no device row.
 */
export const MOVES: readonly Move[] = [
  { from: 'listed', to: 'owned', by: 'claim', proof: 'an authorised act that names a known owner' },
  { from: 'owned', to: 'registered', by: 'first-connect', proof: 'a verified certificate that equals the listing' },
  {
    from: 'registered',
    to: 'operational',
    by: 'confirm',
    proof: 'its offered certificate, used: a CSR by a fresh key',
  },
  { from: 'operational', to: 'operational', by: 'confirm', proof: 'the same, asked for over the one it replaces' },
  {
    from: 'operational',
    to: 'owned',
    by: 'reset',
    proof: 'the factory key, in an open window or after expiry by policy',
  },
  { from: 'owned', to: 'quarantined', by: 'quarantine', proof: 'an authorised act with a cause' },
  { from: 'registered', to: 'quarantined', by: 'quarantine', proof: 'an authorised act with a cause' },
  { from: 'operational', to: 'quarantined', by: 'quarantine', proof: 'an authorised act with a cause' },
  { from: 'quarantined', to: 'quarantined', by: 'quarantine', proof: 'the same, from `restricted` to `cut` only' },
  { from: 'quarantined', to: 'owned', by: 'lift', proof: 'two people; a new epoch' },
  { from: 'listed', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'owned', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'registered', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'operational', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'quarantined', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'retired', to: 'denied', by: 'deny', proof: 'an authorised act with a cause' },
  { from: 'owned', to: 'retired', by: 'retire', proof: 'an authorised act with a cause' },
  { from: 'registered', to: 'retired', by: 'retire', proof: 'an authorised act with a cause' },
  { from: 'operational', to: 'retired', by: 'retire', proof: 'an authorised act with a cause' },
  { from: 'quarantined', to: 'retired', by: 'retire', proof: 'an authorised act with a cause' },
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
    case 'operational':
      return spent(device);
    case 'quarantined':
      if (device.from === 'operational') return spent(device);
      // A cut is INACTIVE, never REVOKED: it can be lifted.
      return device.level === 'restricted' && device.from === 'registered'
        ? ACTIVE
        : { factoryCertificate: 'inactive' };
    case 'denied':
    case 'retired':
      return { factoryCertificate: 'revoked' };
  }
}

/** Absent, so that any later use of it makes an event; one registered without a CA makes none, and could not come back. */
function spent({ path }: Device): BrokerProjection {
  return { factoryCertificate: path === 'jitr' ? 'absent' : 'inactive' };
}

export interface OperationalProjection {
  readonly certificate: OperationalCertificate;
  readonly status: 'active' | 'inactive';
}

/** What it must show of the operational ones; it shows no other of the device's. */
export function operationalOf(device: Device): readonly OperationalProjection[] {
  const status = isQuarantined(device) && device.level === 'cut' ? 'inactive' : 'active';
  return certificatesOf(device).map((certificate) => ({ certificate, status }));
}

function certificatesOf(device: Device): readonly OperationalCertificate[] {
  switch (device.state) {
    case 'registered':
      return some(device.offered);
    case 'operational':
      return [device.current, ...some(device.offered)];
    case 'quarantined':
      return some(device.current);
    case 'owned':
    case 'denied':
    case 'retired':
      return [];
  }
}

function some<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

/** The operational certificates that a change of the row has ended. */
export function endedBetween(previous: Device | undefined, next: Device): readonly OperationalCertificate[] {
  const kept = new Set(certificatesOf(next).map(({ certificateId }) => certificateId));
  return previous === undefined ? [] : certificatesOf(previous).filter(({ certificateId }) => !kept.has(certificateId));
}

const ACTIVE: BrokerProjection = { factoryCertificate: 'active', policy: 'registration' };

/** A device that may be given a certificate, over the one that it uses now. */
export type Enrolling = RegisteredDevice | OperationalDevice;

/** The certificate over which it may ask. */
export function certificateInUse(device: Enrolling): string {
  return device.state === 'registered' ? device.factoryCertificate : device.current.certificateId;
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

export function isOperational(device: Device): device is OperationalDevice {
  return device.state === 'operational';
}

/** It may be given a certificate. */
export function isEnrolling(device: Device): device is Enrolling {
  return device.state === 'registered' || device.state === 'operational';
}

export function isRetired(device: Device): device is RetiredDevice {
  return device.state === 'retired';
}

export function isDenied(device: Device): device is DeniedDevice {
  return device.state === 'denied';
}

export function isOwned(device: Device): device is OwnedDevice {
  return device.state === 'owned';
}
