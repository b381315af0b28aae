// The registry in memory: it compares, is all or nothing, and keeps copies, as DynamoDB does.
import type { Attributes, Change, Registry, RowKey, TableName } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

const MOST = 100;

type Method = 'read' | 'list' | 'commit' | 'countRepeat' | 'pendingAlignments';
export type StoredRow = RowKey & { readonly row: Attributes };

export class MemoryRegistry implements Registry {
  /** The changes of every commit that took effect, in order. */
  readonly committed: (readonly Change[])[] = [];
  readonly #rows = new Map<string, StoredRow>();
  readonly #faults = new Faults<Method>();
  readonly #racers: (() => void | Promise<void>)[] = [];

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  /** Runs once, right before the next commit compares: a writer that was faster. Call it again for one race more. */
  beforeCommit(racer: () => void | Promise<void>): void {
    this.#racers.push(racer);
  }

  /** Sets the scene: writes a row whatever is there. */
  seed(key: RowKey, row: object): void {
    this.#rows.set(place(key), { ...keyOf(key), row: copy(row) });
  }

  /** All rows of a table in order of their keys, for a test to look at. */
  rows(table: TableName): readonly StoredRow[] {
    return [...this.#rows.values()]
      .filter((stored) => stored.table === table)
      .sort((a, b) => byBytes(a.pk, b.pk) || byBytes(a.sk, b.sk))
      .map((stored) => ({ ...stored, row: copy(stored.row) }));
  }

  read(keys: readonly RowKey[]): Promise<readonly (Attributes | undefined)[]> {
    return this.#faults.run('read', () => {
      checkKeys(keys);
      return keys.map((key) => this.#row(key));
    });
  }

  list(table: TableName, pk: string, prefix: string): Promise<readonly (Attributes & { readonly sk: string })[]> {
    return this.#faults.run('list', () =>
      this.rows(table)
        .filter((stored) => stored.pk === pk && stored.sk.startsWith(prefix))
        .map(({ row, sk }) => ({ ...row, sk })),
    );
  }

  async commit(changes: readonly Change[]): Promise<'committed' | 'lost'> {
    await this.#racers.shift()?.();
    return this.#faults.run('commit', () => {
      if (changes.length === 0) throw new RangeError('expected at least one change');
      checkKeys(changes.map(keyOfChange));
      if (!changes.every((change) => this.#holds(change))) return 'lost';
      for (const change of changes) this.seed(keyOfChange(change), 'create' in change ? change.row : change.next);
      this.committed.push(changes);
      return 'committed';
    });
  }

  countRepeat(key: RowKey): Promise<'counted' | 'absent'> {
    return this.#faults.run('countRepeat', () => {
      const row = this.#row(key);
      if (row === undefined) return 'absent';
      this.seed(key, { ...row, repeats: Number(row['repeats'] ?? 0) + 1 });
      return 'counted';
    });
  }

  pendingAlignments(before: string, limit: number): Promise<readonly RowKey[]> {
    return this.#faults.run('pendingAlignments', () =>
      this.rows('devices')
        .flatMap(({ row, ...key }) =>
          typeof row['brokerPending'] === 'string' ? [{ key, since: row['brokerPending'] }] : [],
        )
        .filter(({ since }) => since <= before)
        .sort((a, b) => kindOf(a.key) - kindOf(b.key) || byBytes(a.since, b.since))
        .slice(0, limit)
        .map(({ key }) => key),
    );
  }

  #row(key: RowKey): Attributes | undefined {
    const stored = this.#rows.get(place(key));
    return stored === undefined ? undefined : copy(stored.row);
  }

  #holds(change: Change): boolean {
    const present = this.#row(keyOfChange(change));
    return 'create' in change ? present === undefined : present?.['version'] === change.previous.version;
  }
}

function checkKeys(keys: readonly RowKey[]): void {
  if (keys.length > MOST) throw new RangeError(`expected at most ${MOST} keys, got ${keys.length}`);
  if (new Set(keys.map(place)).size < keys.length) throw new RangeError('expected each row once');
  if (keys.some(({ pk, sk }) => pk === '' || sk === '')) throw new RangeError('expected keys that are not empty');
}

function keyOfChange(change: Change): RowKey {
  return 'create' in change ? change.create : change.replace;
}

function keyOf({ table, pk, sk }: RowKey): RowKey {
  return { table, pk, sk };
}

function place({ table, pk, sk }: RowKey): string {
  return JSON.stringify([table, pk, sk]);
}

/** A store keeps values, not objects: nobody can change a row through a reference. */
function copy(row: object): Attributes {
  return JSON.parse(JSON.stringify(row)) as Attributes;
}

// DynamoDB orders text by its UTF-8 bytes.
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Devices come before certificates that wait for nobody. */
function kindOf({ pk }: RowKey): number {
  return pk.startsWith('certificate#') ? 1 : 0;
}
