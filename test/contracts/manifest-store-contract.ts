// What must every manifest store do? Versions that never change, of what comes from outside and of what we write.
import { buffer } from 'node:stream/consumers';

import { describe, expect, test } from 'vitest';

import type { ManifestStore, StoredObject } from '../../shared/ports.ts';

export interface ManifestStoreStage {
  readonly store: () => ManifestStore;
  /** Drops a file as a factory does. */
  readonly put: (key: string, body: Uint8Array) => Promise<StoredObject>;
}

export function manifestStoreContract(name: string, { store, put }: ManifestStoreStage): void {
  const text = (object: StoredObject) => buffer(store().read(object)).then((bytes) => bytes.toString('utf8'));

  describe(`manifest store contract: ${name}`, () => {
    test('finds nothing under a key that was never written', async () => {
      expect(await store().findNewest('manifests/acme/absent.jsonl')).toBeUndefined();
    });

    test('finds the newest version, and reads exactly the version that was asked for', async () => {
      const key = 'manifests/acme/lot 1+2 ü.jsonl';
      const first = await put(key, Buffer.from('first'));
      const second = await put(key, Buffer.from('second'));
      expect(await store().findNewest(key)).toEqual(second);
      expect(await text(first)).toBe('first');
      expect(await text(second)).toBe('second');
    });

    test('reads bytes as they were written, in order, whatever they are', async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 256));
      expect(await buffer(store().read(await put('manifests/acme/bytes', bytes)))).toEqual(bytes);
    });

    test('throws for a version that is not there', async () => {
      const { key } = await put('manifests/acme/known.jsonl', Buffer.from('known'));
      const other = await put('manifests/acme/other.jsonl', Buffer.from('other'));
      const versionId = other.versionId === 'v1' ? 'v9' : other.versionId;
      await expect(text({ key, versionId })).rejects.toThrow();
    });

    test('writes a new version: an earlier one stays', async () => {
      const key = 'manifests/acme/lot.jsonl.report';
      await store().write(key, '{"first":1}\n');
      const first = await store().findNewest(key);
      await store().write(key, '{"zweiter":"ü"}\n');
      const second = await store().findNewest(key);
      if (first === undefined || second === undefined) throw new Error('expected both versions');
      expect([await text(first), await text(second)]).toEqual(['{"first":1}\n', '{"zweiter":"ü"}\n']);
    });

    test.each([
      ['empty', ''],
      ['one of half a megabyte', '{"serial":"ü"}\n'.repeat(40_000)],
    ])('gives a text back as it was written, also %s', async (title, body) => {
      const key = `imports/${title.length}/000001.jsonl`;
      await store().write(key, body);
      const object = await store().findNewest(key);
      if (object === undefined) throw new Error('expected what was written');
      expect((await text(object)) === body).toBe(true);
    });
  });
}
