// The manifest bucket in memory: every write is a new version, and a version never changes.
import type { ManifestStore, StoredObject } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'findNewest' | 'read' | 'write';

export class MemoryManifestStore implements ManifestStore {
  readonly #versions = new Map<string, Buffer[]>();
  readonly #faults = new Faults<Method>();
  readonly #pieceBytes: number;

  /** Reads answer in pieces of so many bytes, so that lines are cut anywhere. */
  constructor({ pieceBytes = 1000 }: { pieceBytes?: number } = {}) {
    this.#pieceBytes = pieceBytes;
  }

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  /** What a factory does: drops a file. */
  put(key: string, body: string | Uint8Array): StoredObject {
    const versions = this.#versions.get(key) ?? [];
    this.#versions.set(key, [...versions, Buffer.from(body)]);
    return { key, versionId: `v${versions.length + 1}` };
  }

  /** The newest text under a key, for a test to look at. */
  text(key: string): string | undefined {
    return this.#versions.get(key)?.at(-1)?.toString('utf8');
  }

  get keys(): readonly string[] {
    return [...this.#versions.keys()];
  }

  findNewest(key: string): Promise<StoredObject | undefined> {
    return this.#faults.run('findNewest', () => {
      const versions = this.#versions.get(key);
      return versions === undefined ? undefined : { key, versionId: `v${versions.length}` };
    });
  }

  async *read({ key, versionId }: StoredObject): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    this.#faults.check('read');
    const bytes = this.#versions.get(key)?.[Number(versionId.slice(1)) - 1];
    if (bytes === undefined) throw new Error(`no version "${versionId}" of "${key}"`);
    for (let from = 0; from < bytes.length; from += this.#pieceBytes)
      yield bytes.subarray(from, from + this.#pieceBytes);
  }

  write(key: string, body: string): Promise<void> {
    return this.#faults.run('write', () => {
      this.put(key, body);
    });
  }
}
