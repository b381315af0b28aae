// How does a device come back from its stored row? The only way to a typed state; anything unexpected is a fault, never a default.
import {
  STANDING_CAUSES,
  type DeniedDevice,
  type Device,
  type OperationalCertificate,
  type OwnershipProof,
  type QuarantinedDevice,
  type QuarantineLevel,
  type RegistrationPath,
  type ResetWindow,
} from './lifecycle.ts';
import { Fault } from './outcome.ts';

export function parseDevice(row: Attributes): Device {
  const state = text(row, 'state');
  if (state === 'denied') return parseDenied(row);
  const core = {
    ...parseCore(row),
    owner: text(row, 'owner'),
    epoch: count(row, 'epoch', 1),
    ...(row['placement'] === undefined ? {} : { placement: text(row, 'placement') }),
  };
  if (state === 'retired')
    return { ...core, state, cause: oneOf(row, 'cause', STANDING_CAUSES), retiredAt: text(row, 'retiredAt') };
  const owned = { ...core, proof: oneOf(row, 'proof', PROOFS) };
  switch (state) {
    case 'owned':
      return { ...owned, state };
    case 'registered':
      return { ...owned, state, registeredAt: text(row, 'registeredAt'), ...maybeOffered(row) };
    case 'operational':
      return { ...owned, state, ...parseOperation(row) };
    case 'quarantined':
      return { ...owned, state, ...parseQuarantine(row) };
  }
  throw new Fault('row-malformed', `device "${core.id}": expected a known state, got "${state}"`);
}

function parseOperation(row: Attributes) {
  return {
    registeredAt: text(row, 'registeredAt'),
    operationalAt: text(row, 'operationalAt'),
    current: certificate(row, 'current'),
    ...maybeOffered(row),
    ...(row['window'] === undefined ? {} : { window: parseWindow(part(row, 'window')) }),
  };
}

function parseWindow(row: Attributes): ResetWindow {
  return { opens: text(row, 'opens'), closes: text(row, 'closes') };
}

function parseQuarantine(row: Attributes) {
  const from = oneOf(row, 'from', STATES_BEFORE);
  return {
    level: oneOf(row, 'level', LEVELS),
    from,
    cause: oneOf(row, 'cause', STANDING_CAUSES),
    quarantinedAt: text(row, 'quarantinedAt'),
    // Only an operational one has a certificate to go on with; without it the broker could not be told which to close.
    ...(from === 'operational' ? { current: certificate(row, 'current') } : {}),
  };
}

function parseDenied(row: Attributes): DeniedDevice {
  return {
    ...parseCore(row),
    state: 'denied',
    ...(row['owner'] === undefined ? {} : { owner: text(row, 'owner') }),
    ...(row['placement'] === undefined ? {} : { placement: text(row, 'placement') }),
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

function maybeOffered(row: Attributes): { readonly offered?: OperationalCertificate } {
  return row['offered'] === undefined ? {} : { offered: certificate(row, 'offered') };
}

function certificate(row: Attributes, name: string): OperationalCertificate {
  const stored = part(row, name);
  return {
    certificateId: text(stored, 'certificateId'),
    issuer: text(stored, 'issuer'),
    serial: text(stored, 'serial'),
    issuedAt: text(stored, 'issuedAt'),
    renewFrom: text(stored, 'renewFrom'),
    notAfter: text(stored, 'notAfter'),
  };
}

type Attributes = Readonly<Record<string, unknown>>;

function part(row: Attributes, name: string): Attributes {
  const value = row[name];
  if (typeof value === 'object' && value !== null) return value as Attributes;
  throw new Fault('row-malformed', `device row: expected an object in "${name}", got ${typeof value}`);
}

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
const STATES_BEFORE: readonly QuarantinedDevice['from'][] = ['owned', 'registered', 'operational'];
