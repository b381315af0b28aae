// What must hold when the faults have stopped and everything has settled? (I3 I7 I8, and the broker is what the rows say.)
import { opensCommitment } from '../../shared/ledger/entry.ts';
import { parseDevice } from '../../shared/device-row.ts';
import { projectionOf, type Device } from '../../shared/lifecycle.ts';
import { parseBreaker } from '../../shared/whitelist/breaker.ts';
import { isRevoked, parseCertificateRow, type CertificateRow } from '../../shared/whitelist/certificate-row.ts';
import { entriesOf, gapsIn } from '../functions/scene.ts';
import type { Cloud } from './cloud.ts';
import type { FaultWorld, Resident, Role } from './fault-world.ts';

/** What the sweep of the next minutes would look at: anything else has no way left to settle. */
const OVERDUE_MS = 150_000;
const CLOCKS_MS = 2_000;

/** Rows whose time at the broker has come, and came some time ago. */
export function unsettled({ registry, time }: Cloud): readonly string[] {
  return registry.rows('devices').flatMap(({ pk, row }) => {
    const { brokerPending } = row;
    if (typeof brokerPending !== 'string') return [];
    const isDevice = pk.startsWith('device#');
    return isDevice || time.ms - Date.parse(brokerPending) > OVERDUE_MS ? [`${pk} pending since ${brokerPending}`] : [];
  });
}

export async function finalBreaks(cloud: Cloud, world: FaultWorld): Promise<readonly string[]> {
  const rows = cloud.registry.rows('devices');
  const certificates = rows
    .filter(({ pk, sk }) => pk.startsWith('certificate#') && sk === 'row')
    .map(({ row }) => parseCertificateRow(row));
  const devices = rows
    .filter(({ pk, sk }) => pk.startsWith('device#') && sk === 'row')
    .map(({ row }) => parseDevice(row));
  const revoked = new Set(certificates.filter(isRevoked).map(({ certificateId }) => certificateId));
  const found = [
    ...gapsIn(cloud).map((gap) => `gap in ${gap}`),
    ...entriesOf(cloud).flatMap((entry) => (opensCommitment(entry) ? [] : [`${entry.stream}: does not open`])),
    ...versionBreaks(cloud, devices),
    ...world.residents.flatMap((resident) => roleBreaks(resident, devices, revoked)),
    ...[...world.strangers, ...world.clones].flatMap(({ seen, terms }) =>
      seen === 'connected' ? [`${terms.certificateId}: an intruder is in`] : [],
    ),
  ];
  for (const device of devices)
    found.push(...(await deviceBreaks(device, revoked.has(device.factoryCertificate), cloud)));
  for (const row of certificates) found.push(...(await certificateBreaks(row, cloud, world)));
  found.push(...(await cloneBreaks(cloud, world)));
  for (const { sk, row } of rows) if (sk === 'breaker') found.push(...breakerBreaks(row, cloud));
  return found;
}

/** I7: versions 1..n of a row have entries 1..n. */
function versionBreaks(cloud: Cloud, devices: readonly Device[]): readonly string[] {
  const entries = entriesOf(cloud);
  return devices.flatMap(({ id, version }) => {
    const told = entries.filter(({ stream }) => stream === `device/${id}`).length;
    return told === version ? [] : [`${id}: version ${version}, but ${told} entries`];
  });
}

const STATES: Readonly<Record<Role, readonly string[]>> = {
  plain: ['registered'],
  chip: ['registered'],
  'claimed-late': ['registered'],
  'chip-claimed-late': ['registered'],
  restricted: ['quarantined'],
  cut: ['quarantined'],
  'chip-cut': ['quarantined'],
  'restricted-then-cut': ['quarantined'],
  denied: ['denied'],
  'denied-unowned': ['denied'],
  'revoked-by-maker': ['registered', 'owned'],
};

/** I8: whoever is to be in is in, whoever is not is out. */
function roleBreaks(
  { id, role, device: { seen, terms } }: Resident,
  devices: readonly Device[],
  revoked: ReadonlySet<string>,
): readonly string[] {
  const device = devices.find((row) => row.id === id);
  if (device === undefined) return [`${id} (${role}): has no row`];
  if (!STATES[role].includes(device.state)) return [`${id} (${role}): is ${device.state}`];
  const mayBeIn = projectionOf(device).factoryCertificate === 'active' && !revoked.has(terms.certificateId);
  if (mayBeIn && seen !== 'connected') return [`${id} (${role}): ${device.state}, and outside`];
  if (!mayBeIn && seen === 'connected') return [`${id} (${role}): ${device.state}, and inside`];
  return [];
}

async function deviceBreaks(device: Device, revoked: boolean, { broker }: Cloud): Promise<readonly string[]> {
  const { id, factoryCertificate } = device;
  const status = (await broker.findCertificate(factoryCertificate))?.status;
  const wanted = revoked ? 'revoked' : projectionOf(device).factoryCertificate;
  return SHOWN[wanted].includes(status) ? [] : [`${id}: expected ${wanted} at the broker, got ${status ?? 'nothing'}`];
}

/** What the broker may show; one that waits for activation is closed and asks again. */
const SHOWN: Readonly<Record<'active' | 'inactive' | 'revoked' | 'absent', readonly (string | undefined)[]>> = {
  active: ['ACTIVE'],
  inactive: ['INACTIVE', 'REVOKED', 'PENDING_ACTIVATION', undefined],
  revoked: ['REVOKED', undefined],
  absent: ['PENDING_ACTIVATION', undefined],
};

async function certificateBreaks(
  row: CertificateRow,
  { broker, laws, time }: Cloud,
  { strangers }: FaultWorld,
): Promise<readonly string[]> {
  const { certificateId, wanted, brokerPending, alignedAt = '' } = row;
  if (brokerPending !== undefined && Date.parse(brokerPending) > time.ms - OVERDUE_MS) return [];
  const status = (await broker.findCertificate(certificateId))?.status;
  if (wanted === 'known') return status === undefined ? [`chip ${certificateId}: unknown to the broker`] : [];
  if (wanted === 'revoked')
    return SHOWN.revoked.includes(status) ? [] : [`${certificateId}: refused, yet ${status ?? ''}`];
  // Its row says that it is gone: if it came back since, somebody must have said so, or it waits for ever.
  const forgotten = status === 'PENDING_ACTIVATION' || status === 'INACTIVE';
  // One that came back within the difference of two clocks, and then never again, looks like a straggler.
  const last = strangers.find(({ terms }) => terms.certificateId === certificateId)?.connectedAt ?? Infinity;
  const isSettled = brokerPending === undefined && last > Date.parse(alignedAt) + CLOCKS_MS;
  const isBreak = forgotten && isSettled && !laws.devices.has(certificateId);
  return isBreak ? [`${certificateId}: forgotten at the broker as ${status}`] : [];
}

/** Who carries a listed serial under another key is closed for good, as soon as there was time to look. */
async function cloneBreaks({ broker }: Cloud, { clones }: FaultWorld): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { terms } of clones) {
    const status = (await broker.findCertificate(terms.certificateId))?.status;
    if (!SHOWN.revoked.includes(status)) found.push(`clone ${terms.certificateId}: ${status ?? ''}`);
  }
  return found;
}

function breakerBreaks(row: unknown, { authorities }: Cloud): readonly string[] {
  const { authority, position } = parseBreaker(row);
  const open = authorities.isOpen(authority);
  return open === (position === 'closed')
    ? []
    : [`breaker of ${authority.slice(0, 8)}: ${position}, but the broker differs`];
}
