// How is a device's dossier shown? What is listed, what it is now, and every decision with its evidence.
import type { Dossier } from '../shared/governance/dossier.ts';
import type { Entry } from '../shared/ledger/entry.ts';
import {
  isDenied,
  isQuarantined,
  type Device,
  isRetired,
  operationalOf,
  type OperationalCertificate,
} from '../shared/lifecycle.ts';
import type { Listing } from '../shared/whitelist/listing.ts';
import type { Waiting } from '../shared/whitelist/waiting.ts';
import type { Clone, StoredRefusal } from '../shared/whitelist/refusal.ts';
import { colour, plain, table } from './terminal.ts';

export function describeDossier({ subject, listing, device, waiting, refusals, clones, entries }: Dossier): string {
  const parts = [colour('bold', plain(subject))];
  if (waiting !== undefined) parts.push(describeWaiting(waiting));
  else parts.push(listing === undefined ? 'not listed' : describeListing(listing));
  if (listing !== undefined) parts.push(device === undefined ? 'listed, owned by nobody' : describeDevice(device));
  if (refusals.length > 0) parts.push(describeRefusals(refusals));
  if (clones.length > 0) parts.push(describeClones(clones));
  if (entries.length > 0) parts.push(describeEntries(entries));
  return parts.join('\n');
}

export function describeWaiting({ product, lot, keyFingerprint, provenance }: Waiting): string {
  const { manifest, line, signer, signedAt, importedAt } = provenance;
  return table(
    ['waits', 'for a manifest that brings its certificate'],
    [
      ['product, lot', `${product}, ${lot}`],
      ['public key', keyFingerprint],
      ['manifest', `${manifest} line ${line}`],
      ['signed by', `${signer} at ${signedAt}`],
      ['imported', importedAt],
    ],
  );
}

export function describeListing({ product, lot, path, held, fingerprint, provenance }: Listing): string {
  const { manifest, line, signer, importedAt } = provenance;
  return table(
    ['listed', ''],
    [
      ['product, lot', `${product}, ${lot}${held === true ? ' (held: beyond the allotment)' : ''}`],
      ['path', path],
      ['certificate', fingerprint],
      ['manifest', `${manifest} line ${line}`],
      ['signed by', `${signer} at ${provenance.signedAt}`],
      ['imported', importedAt],
    ],
  );
}

function describeDevice(device: Device): string {
  const pending = device.brokerPending === undefined ? 'matches this row' : `pending since ${device.brokerPending}`;
  return table(
    ['device', ''],
    [
      ['state', describeState(device)],
      ['owner', describeOwner(device)],
      ['version', String(device.version)],
      ...(device.placement === undefined ? [] : [['placed', device.placement]]),
      ...operationalOf(device).map(({ certificate, status }) => [
        'operational certificate',
        describeOperational(certificate, status),
      ]),
      ['AWS IoT Core', pending],
    ],
  );
}

function describeState(device: Device): string {
  if (isQuarantined(device)) return `quarantined, ${device.level} (${device.cause}, since ${device.quarantinedAt})`;
  if (isRetired(device)) return `retired (${device.cause}, since ${device.retiredAt})`;
  return isDenied(device) ? `denied for good (${device.cause}, since ${device.deniedAt})` : device.state;
}

function describeOperational({ certificateId, notAfter }: OperationalCertificate, status: string): string {
  return `${certificateId.slice(0, 16)}… until ${notAfter}, ${status}`;
}

function describeOwner(device: Device): string {
  if (isDenied(device)) return device.owner ?? 'nobody, ever';
  if (isRetired(device)) return device.owner;
  return `${device.owner} (epoch ${device.epoch}, shown by ${device.proof}: weaker than a voucher)`;
}

/** Certificates that named the device and held another key. */
function describeClones(clones: readonly Clone[]): string {
  return table(
    ['posed as', 'by certificate'],
    clones.map(({ at, certificateId }) => [at, certificateId]),
  );
}

function describeRefusals(refusals: readonly StoredRefusal[]): string {
  return table(
    ['refused', 'reason', 'repeats'],
    refusals.map(({ at, reason, repeats }) => [at, reason, String(repeats)]),
  );
}

function describeEntries(entries: Dossier['entries']): string {
  return table(
    ['ledger entry', 'time', 'kind', 'by', 'evidence'],
    entries.map(({ entry, opens }) => [
      `${entry.stream.slice(0, 28)} #${entry.seq}`,
      entry.leaf.time,
      entry.leaf.kind,
      describeActor(entry),
      opens ? 'opens its leaf' : { styled: colour('red', 'does not open its leaf') },
    ]),
  );
}

function describeActor({ detail: { actor } }: Entry): string {
  if (actor.kind === 'iam') return actor.principal;
  if (actor.kind === 'step') return actor.step;
  return actor.kind === 'signer'
    ? `signer ${actor.signer.slice(0, 12)}`
    : `certificate ${actor.certificateId.slice(0, 12)}`;
}
