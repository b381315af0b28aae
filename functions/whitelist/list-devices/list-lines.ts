// What becomes of each line of a chunk? Compared with what is listed, and written with its entry; a few lines a transaction.
import { Fault } from '../../../shared/outcome.ts';
import type { Attributes, Change } from '../../../shared/ports.ts';
import { certificateKey, parseCertificateRow, type CertificateRow } from '../../../shared/whitelist/certificate-row.ts';
import type { ChunkLine } from '../../../shared/whitelist/chunk.ts';
import {
  decideLine,
  knowNothing,
  type DecidedLine,
  type Known,
  type LineReport,
} from '../../../shared/whitelist/decide-line.ts';
import {
  foldId,
  idClaimKey,
  keyClaimKey,
  listingKey,
  parseIdClaim,
  parseKeyClaim,
  parseListing,
} from '../../../shared/whitelist/listing.ts';
import type { Lot } from '../../../shared/whitelist/lot.ts';
import { parseWaiting, waitingKey } from '../../../shared/whitelist/waiting.ts';
import { countChange, readRoom } from './count-lot.ts';
import type { ListDevicesWorld } from './flow.ts';
import { lineChanges, registrationOf, type CertificateRows } from './line-changes.ts';

/**
 * At most six changes a line (listing, id, key, its entry; certificate row and its entry) and one for the lot: 16 lines
 * stay below the 100 of a transaction.
 */
const GROUP = 16;
const ATTEMPTS = 10;

/** One report per line, in order. A crash between two groups leaves whole groups; the rerun knows them as its own. */
export async function listLines(
  lines: readonly ChunkLine[],
  lot: Lot,
  world: ListDevicesWorld,
): Promise<readonly LineReport[]> {
  const reports: LineReport[] = [];
  for (const group of groupsOf(lines)) reports.push(...(await listGroup(group, lot, world)));
  return reports;
}

/** A device that waits and its certificate are apart: no transaction writes a reservation twice. */
function groupsOf(lines: readonly ChunkLine[]): readonly (readonly ChunkLine[])[] {
  const groups: ChunkLine[][] = [];
  let waits = new Set<string>();
  for (const line of lines) {
    const group = groups.at(-1);
    const { verdict } = line;
    const ends = 'listing' in verdict && waits.has(foldId(verdict.listing.device));
    if (group === undefined || group.length === GROUP || ends) {
      groups.push([line]);
      waits = new Set();
    } else group.push(line);
    if ('waiting' in verdict) waits.add(foldId(verdict.waiting.device));
  }
  return groups;
}

async function listGroup(
  lines: readonly ChunkLine[],
  lot: Lot,
  world: ListDevicesWorld,
): Promise<readonly LineReport[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const known = await readKnown(lines, world);
    const room = await readRoom(lot, world.registry);
    const decided = lines.map((line) => decideLine(line, { known, room }));
    const reports = decided.map(({ report }) => report);
    const certificates = await readCertificates(decided, world);
    const changes = [...decided.flatMap((line) => lineChanges(line, certificates, world)), ...countChange(room)];
    if (changes.length === 0 || (await commit(changes, world)) === 'committed') return reports;
    // Another run listed one of these devices, or counted in the same lot, meanwhile: compare anew.
    await world.clock.pause(Math.min(10 * 2 ** attempt, 500));
  }
  throw new Fault('comparison-lost', `lot "${lot.lot}": other imports were faster ${ATTEMPTS} times`);
}

async function commit(changes: readonly Change[], world: ListDevicesWorld): Promise<'committed' | 'lost'> {
  const result = await world.registry.commit(changes);
  if (result === 'lost') return result;
  // A crash here leaves certificate rows pending: the sweep of align-broker finds them.
  for (const certificateId of changes.flatMap(registrationOf)) await world.alignments.requestCertificate(certificateId);
  return result;
}

async function readKnown(lines: readonly ChunkLine[], world: ListDevicesWorld): Promise<Known> {
  const known = knowNothing();
  const listed = lines.flatMap(({ verdict }) => ('listing' in verdict ? [verdict.listing] : []));
  const all = [...listed, ...lines.flatMap(({ verdict }) => ('waiting' in verdict ? [verdict.waiting] : []))];
  if (all.length === 0) return known;
  const fingerprints = [...new Set(listed.map(({ fingerprint }) => fingerprint))];
  const devices = [...new Set(all.map(({ device }) => foldId(device)))];
  const keys = [...new Set(all.map(({ keyFingerprint }) => keyFingerprint))];
  const listings = fingerprints.map(listingKey);
  const rows = [
    ...(await world.registry.read([
      ...listings,
      ...devices.map(idClaimKey),
      ...devices.map(waitingKey),
      ...keys.map(keyClaimKey),
    ])),
  ];
  const take = (count: number) => rows.splice(0, count);
  fill(fingerprints, take(fingerprints.length), (name, row) => known.listings.set(name, parseListing(row)));
  fill(devices, take(devices.length), (name, row) => {
    const { fingerprint } = parseIdClaim(row);
    if (fingerprint !== undefined) known.ids.set(name, fingerprint);
  });
  fill(devices, take(devices.length), (name, row) => known.waiting.set(name, parseWaiting(row)));
  fill(keys, rows, (name, row) => known.keys.set(name, parseKeyClaim(row).device));
  return known;
}

async function readCertificates(lines: readonly DecidedLine[], world: ListDevicesWorld): Promise<CertificateRows> {
  const rows = new Map<string, CertificateRow>();
  const ids = lines.flatMap(({ listing }) => (listing?.path === 'registered' ? [listing.fingerprint] : []));
  if (ids.length === 0) return rows;
  fill(ids, await world.registry.read(ids.map(certificateKey)), (id, row) => rows.set(id, parseCertificateRow(row)));
  return rows;
}

function fill(
  names: readonly string[],
  rows: readonly (Attributes | undefined)[],
  put: (name: string, row: Attributes) => void,
) {
  names.forEach((name, index) => {
    const row = rows[index];
    if (row !== undefined) put(name, row);
  });
}
