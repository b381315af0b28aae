// Step `list-devices`: a chunk of a verified manifest becomes whitelist rows, each with where it came from; the last chunk
// closes the report (blueprint step 1). May be killed anywhere and run again.
import { hash } from 'node:crypto';

import type { EntryRandomness } from '../../../shared/ledger/entry.ts';
import { done, Fault, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, ChunkRequest, Clock, ManifestStore, Registry } from '../../../shared/ports.ts';
import { parseChunk, readWhole } from '../../../shared/whitelist/chunk.ts';
import type { LineReport } from '../../../shared/whitelist/decide-line.ts';
import {
  chunkKey,
  chunkObject,
  importKey,
  noCounts,
  parseChunkRow,
  parseImport,
  resultObject,
  type Counts,
  type VerifiedImport,
} from '../../../shared/whitelist/import.ts';
import { lotKey, parseLot, type Lot } from '../../../shared/whitelist/lot.ts';
import { closeImport } from './close-import.ts';
import { listLines } from './list-lines.ts';

export interface ListDevicesWorld {
  readonly registry: Registry;
  readonly manifests: ManifestStore;
  readonly alignments: AlignmentQueue;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface ListedChunk {
  readonly chunk: number;
  readonly counts: Counts;
  /** Whether this was the chunk that closed the import. */
  readonly closed: boolean;
}

export async function listDevices(request: ChunkRequest, world: ListDevicesWorld): Promise<Outcome<ListedChunk>> {
  // 1 Read the verdict of import-manifest: nothing is listed without one.
  const [row, listed] = await world.registry.read([importKey(request), chunkKey(request, request.chunk)]);
  const { verified } = row === undefined ? {} : parseImport(row);
  if (verified === undefined)
    throw new Fault('row-malformed', `chunk of "${request.signatureKey}": its file was not verified`);
  // 2 List its lines, unless an earlier run has.
  const counts = listed === undefined ? await listChunk(request, verified, world) : parseChunkRow(listed);
  // 3 Close the import with the last chunk. A crash before this is healed by the message that comes again.
  const closed = await closeImport(request, world);
  return done({ chunk: request.chunk, counts, closed });
}

async function listChunk(request: ChunkRequest, verified: VerifiedImport, world: ListDevicesWorld): Promise<Counts> {
  const chunk = await readChunk(request, world.manifests);
  const reports = await listLines(parseChunk(chunk), await readLot(verified, world.registry), world);
  // The result first, the row that counts it after: a row without its result could not be reported.
  await world.manifests.write(
    resultObject(request, request.chunk),
    reports.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const counts = countResults(reports);
  // Lost: another run of the same chunk was as far; the lines are the same.
  await world.registry.commit([{ create: chunkKey(request, request.chunk), row: { version: 1, counts } }]);
  return counts;
}

async function readChunk(request: ChunkRequest, manifests: ManifestStore): Promise<string> {
  const object = await manifests.findNewest(chunkObject(request, request));
  if (object === undefined)
    throw new Fault('answer-malformed', `chunk ${request.chunk} of "${request.signatureKey}" is gone`);
  const chunk = await readWhole(manifests.read(object));
  // What is listed is what was verified, whoever could write to the bucket meanwhile.
  if (hash('sha256', chunk) === request.digest) return chunk;
  throw new Fault(
    'answer-malformed',
    `chunk ${request.chunk} of "${request.signatureKey}" is not the one that was verified`,
  );
}

async function readLot({ manufacturer, lot }: VerifiedImport, registry: Registry): Promise<Lot> {
  const [row] = await registry.read([lotKey(manufacturer, lot)]);
  if (row === undefined) throw new Fault('row-malformed', `lot "${lot}" of a verified manifest is missing`);
  return parseLot(row);
}

function countResults(lines: readonly LineReport[]): Counts {
  const counts = noCounts();
  for (const { result } of lines) counts[result] += 1;
  return counts;
}
