// What must every queue to list-devices do? A request arrives, with exactly the chunk that was named.
import { describe, expect, test } from 'vitest';

import type { ChunkQueue, ChunkRequest } from '../../shared/ports.ts';

export interface ChunkQueueStage {
  readonly queue: () => ChunkQueue;
  /** What has arrived since the last call, as list-devices reads it. */
  readonly arrived: () => Promise<readonly string[]>;
}

const CHUNK: ChunkRequest = {
  signatureKey: 'manifests/acme/lot-1.jsonl.jws',
  signatureVersion: 'a.b_c-d',
  chunk: 1,
  digest: 'd'.repeat(64),
};

export function chunkQueueContract(name: string, { queue, arrived }: ChunkQueueStage): void {
  describe(`chunk queue contract: ${name}`, () => {
    test('a request arrives with every member, and none beside', async () => {
      await queue().request(CHUNK);
      expect((await arrived()).map((body): unknown => JSON.parse(body))).toEqual([CHUNK]);
    });

    test('the same chunk may be asked for again, and others beside it', async () => {
      for (const chunk of [1, 2, 1]) await queue().request({ ...CHUNK, chunk });
      const numbers = (await arrived()).map((body) => (JSON.parse(body) as ChunkRequest).chunk);
      expect(numbers.sort()).toEqual([1, 1, 2]);
    });

    test('a request that is changed after it was sent is sent as it was', async () => {
      const chunk = { ...CHUNK };
      await queue().request(chunk);
      chunk.chunk = 2;
      expect((await arrived()).map((body): unknown => JSON.parse(body))).toEqual([CHUNK]);
    });
  });
}
