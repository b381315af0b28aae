// When is an import done? When every chunk is listed: then its report is written beside the manifest, and its entry.
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { ChunkRequest, ManifestStore } from '../../../shared/ports.ts';
import { readWhole } from '../../../shared/whitelist/chunk.ts';
import {
  addCounts,
  CHUNKS,
  importKey,
  importPartition,
  parseChunkRow,
  parseImport,
  reportKey,
  resultObject,
  type Counts,
  type StoredImport,
  type VerifiedImport,
} from '../../../shared/whitelist/import.ts';
import type { ListDevicesWorld } from './flow.ts';

type Delivery = Pick<ChunkRequest, 'signatureKey' | 'signatureVersion'>;

/** True when this call closed it. Two last chunks at once write the same report; one of them records. */
export async function closeImport(delivery: Delivery, world: ListDevicesWorld): Promise<boolean> {
  const { registry, manifests } = world;
  const [row] = await registry.read([importKey(delivery)]);
  const known = row === undefined ? undefined : parseImport(row);
  if (known?.verified === undefined || known.decision !== 'verified') return false;
  const chunks = await registry.list('whitelist', importPartition(delivery), CHUNKS);
  if (chunks.length < known.verified.chunks) return false;
  const counts = addCounts(chunks.map(parseChunkRow));
  // The report before the entry: whoever reads "imported" finds it.
  const { manifestKey } = known.verified;
  await manifests.write(
    reportKey(manifestKey),
    await writeReport(delivery, { verified: known.verified, counts }, manifests),
  );
  return (await registry.commit(closing(delivery, { known, verified: known.verified, counts }, world))) === 'committed';
}

interface Totals {
  readonly verified: VerifiedImport;
  readonly counts: Counts;
}

/** JSON lines: the totals first, then one line per entry of the manifest. */
async function writeReport(
  delivery: Delivery,
  { verified, counts }: Totals,
  manifests: ManifestStore,
): Promise<string> {
  const { manifestKey, chunks, ...about } = verified;
  const { signatureVersion } = delivery;
  const { manifest: digest, ...rest } = about;
  const head = { manifest: manifestKey, signatureVersion, outcome: 'imported', digest, ...rest, results: counts };
  const parts = [`${JSON.stringify(head)}\n`];
  for (let chunk = 1; chunk <= chunks; chunk += 1) {
    const object = await manifests.findNewest(resultObject(delivery, chunk));
    if (object === undefined) throw new Fault('answer-malformed', `result ${chunk} of "${manifestKey}" is gone`);
    parts.push(await readWhole(manifests.read(object)));
  }
  return parts.join('');
}

interface Closing extends Totals {
  readonly known: StoredImport;
}

function closing(delivery: Delivery, { known, verified, counts }: Closing, world: ListDevicesWorld) {
  const next: StoredImport = { version: known.version + 1, decision: 'imported', verified };
  const { signer, deliveredBy, manifestKey, manifest, signedAt } = verified;
  const entry = recordEntry(
    {
      stream: STREAMS.import(delivery.signatureKey, delivery.signatureVersion),
      seq: next.version,
      kind: 'manifest-imported',
      time: world.clock.now(),
      detail: {
        actor: { kind: 'signer', signer, deliveredBy },
        decision: 'done',
        inputs: { manifestKey, manifest, signedAt, results: counts },
        requestId: world.requestId,
      },
    },
    world.random,
  );
  return [{ replace: importKey(delivery), previous: known, next }, entry];
}
