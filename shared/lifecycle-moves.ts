// What becomes of a device by each legal move? The moves of the table in lifecycle.ts, one function each; tests hold them to it
// (blueprint steps 2 and 3). Each answers the row that is to be, one version on; nothing is stored here.
import {
  isDenied,
  isOperational,
  isQuarantined,
  isRetired,
  type DeniedDevice,
  type Device,
  type Enrolling,
  type OperationalCertificate,
  type OperationalDevice,
  type OwnedDevice,
  type QuarantinedDevice,
  type QuarantineLevel,
  type RegisteredDevice,
  type RegistrationPath,
  type ResetWindow,
  type RetiredDevice,
  type StandingCause,
} from './lifecycle.ts';

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

/** registered, operational -> the same: a certificate waits to be confirmed; one that was offered before is no more. */
export function offer<D extends Enrolling>(device: D, offered: OperationalCertificate, now: string): D {
  return { ...device, version: device.version + 1, offered, brokerPending: now };
}

/** Nobody has taken up what was offered: it ends, and the one in use stays the only one. */
export function withdrawOffer({ offered: _unused, ...device }: Enrolling, now: string): Enrolling {
  return { ...device, version: device.version + 1, brokerPending: now };
}

/** registered, operational -> operational: the offered certificate was used. A renewal closes no window that was opened. */
export function confirm(device: Enrolling, offered: OperationalCertificate, now: string): OperationalDevice {
  const { owner, proof, registeredAt } = device;
  const window = isOperational(device) && device.window !== undefined ? { window: device.window } : {};
  const operation = { registeredAt, operationalAt: now, current: offered, ...window };
  return { ...coreOf(device), ...operation, state: 'operational', owner, proof, brokerPending: now };
}

/** Until it closes, the factory certificate may begin anew; a window that was open before is no more. */
export function openWindow(device: OperationalDevice, window: ResetWindow): OperationalDevice {
  return { ...device, version: device.version + 1, window };
}

/** operational -> owned, same epoch: its factory certificate may begin anew. */
export function reset(device: OperationalDevice, now: string): OwnedDevice {
  const { owner, proof } = device;
  return { ...coreOf(device), state: 'owned', owner, proof, brokerPending: now };
}

/** quarantined -> owned, in a new epoch: nothing that was given before counts any more. */
export function lift(device: QuarantinedDevice, now: string): OwnedDevice {
  const { owner, proof, epoch } = device;
  return { ...coreOf(device), state: 'owned', owner, proof, epoch: epoch + 1, brokerPending: now };
}

/** Where its owner says it is; undefined when it has none, or is there. */
export function place(device: Device, placement: string): Device | undefined {
  if (device.owner === undefined || device.placement === placement) return undefined;
  return { ...device, version: device.version + 1, placement };
}

export interface Quarantine {
  readonly level: QuarantineLevel;
  readonly cause: StandingCause;
  readonly now: string;
}

/** -> quarantined, or from `restricted` to `cut`; undefined where that is no legal move. */
export function quarantine(device: Device, { level, cause, now }: Quarantine): QuarantinedDevice | undefined {
  if (isDenied(device) || isRetired(device)) return undefined;
  if (isQuarantined(device) && !(device.level === 'restricted' && level === 'cut')) return undefined;
  const { owner, proof } = device;
  const from = isQuarantined(device) ? device.from : device.state;
  // A key that may be in two places stays so under any later word: otherwise a cut would open the way to a lift (T053).
  const suspected = isQuarantined(device) && device.cause === 'clone' ? device.cause : cause;
  const standing = { level, from, cause: suspected, quarantinedAt: now, ...currentOf(device) };
  return { ...coreOf(device), ...standing, state: 'quarantined', owner, proof, brokerPending: now };
}

/** Without what was only offered: nothing new is given under suspicion. */
function currentOf(device: Device): { readonly current?: OperationalCertificate } {
  return 'current' in device ? { current: device.current } : {};
}

export interface Denial {
  readonly cause: StandingCause;
  readonly now: string;
}

/** Any state -> denied; undefined when it is denied already. */
export function deny(device: Device, { cause, now }: Denial): DeniedDevice | undefined {
  if (isDenied(device)) return undefined;
  return { ...coreOf(device), owner: device.owner, state: 'denied', cause, deniedAt: now, brokerPending: now };
}

/** Any state with an owner -> retired; undefined when it is, and for one that was denied, which is more. */
export function retire(device: Device, { cause, now }: Denial): RetiredDevice | undefined {
  if (isDenied(device) || isRetired(device)) return undefined;
  return { ...coreOf(device), owner: device.owner, state: 'retired', cause, retiredAt: now, brokerPending: now };
}

/** (listed) -> denied: nobody owns it, and nobody ever will. */
export function denyListed(listed: Omit<Claim, 'owner' | 'now'>, { cause, now }: Denial): DeniedDevice {
  return { ...listed, version: 1, epoch: 0, state: 'denied', cause, deniedAt: now, brokerPending: now };
}

/** What stays through every move; the version is that of the row to come. */
function coreOf(device: Device) {
  const { id, version, epoch, manufacturer, path, factoryCertificate, alignedAt, placement } = device;
  return {
    ...{ id, version: version + 1, epoch, manufacturer, path, factoryCertificate },
    ...(alignedAt === undefined ? {} : { alignedAt }),
    ...(placement === undefined ? {} : { placement }),
  };
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

/** Nothing changes, but whoever read the row before has lost. */
export function touch<D extends Device>(device: D): D {
  return { ...device, version: device.version + 1 };
}
