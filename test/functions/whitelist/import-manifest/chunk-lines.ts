// What did `import-manifest` ask `list-devices` for? The lines of the chunks, each read by the digest that was asked for.
import { hash } from 'node:crypto';

import type { ChunkRequest } from '../../../../shared/ports.ts';
import { parseChunk, type ChunkLine } from '../../../../shared/whitelist/chunk.ts';
import { chunkObject } from '../../../../shared/whitelist/import.ts';
import type { Scene } from '../../scene.ts';

export async function chunksOf({ chunks, manifests }: Scene): Promise<readonly ChunkLine[]> {
  const texts = await Promise.all(chunks.requested.map((request) => textOf(request, manifests)));
  return texts.flatMap(parseChunk);
}

async function textOf(request: ChunkRequest, manifests: Scene['manifests']): Promise<string> {
  const text = await Promise.resolve(manifests.text(chunkObject(request, request)));
  if (text === undefined || hash('sha256', text) !== request.digest)
    throw new Error(`chunk ${request.chunk} is not the one that was asked for`);
  return text;
}

/** `listing` or `waiting`, or the reason why there is neither, line by line. */
export async function resultsOf(scene: Scene): Promise<readonly string[]> {
  return (await chunksOf(scene)).map(({ verdict }) => {
    if ('refusal' in verdict) return verdict.refusal.reason;
    return 'listing' in verdict ? 'listing' : 'waiting';
  });
}
