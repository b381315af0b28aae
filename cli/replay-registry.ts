// Which rows does a replayed event meet, and which does it leave? A registry for one event, without a store.
import type { Attributes, Change, Registry, RowKey, TableName } from '../shared/ports.ts';

export interface StoredRow extends RowKey {
  readonly row: Attributes;
}

export interface ReplayRegistry extends Registry {
  /** Rows of a table, in order of their keys. */
  rows(table: TableName): readonly StoredRow[];
}

/** `rows` is the world before the event. */
export function replayRegistry(rows: readonly StoredRow[]): ReplayRegistry {
  const stored = new Map(rows.map((row) => [place(row), row]));
  const holds = (change: Change) => {
    const present = stored.get(place(keyOf(change)));
    return 'create' in change ? present === undefined : present?.row['version'] === change.previous.version;
  };
  const write = (key: RowKey, row: object) => void stored.set(place(key), { ...key, row: { ...row } });
  const all = () => [...stored.values()].sort((a, b) => (place(a) < place(b) ? -1 : 1));
  return {
    read: (keys) => Promise.resolve(keys.map((key) => stored.get(place(key))?.row)),
    list: (table, pk, prefix) => {
      const found = all().filter((row) => row.table === table && row.pk === pk && row.sk.startsWith(prefix));
      return Promise.resolve(found.map(({ row, sk }) => ({ ...row, sk })));
    },
    commit: (changes) => {
      if (!changes.every(holds)) return Promise.resolve('lost');
      for (const change of changes) write(keyOf(change), 'create' in change ? change.row : change.next);
      return Promise.resolve('committed');
    },
    countRepeat: (key) => {
      const row = stored.get(place(key))?.row;
      if (row === undefined) return Promise.resolve('absent');
      write(key, { ...row, repeats: Number(row['repeats'] ?? 0) + 1 });
      return Promise.resolve('counted');
    },
    pendingAlignments: () => Promise.resolve([]),
    rows: (table) => all().filter((row) => row.table === table),
  };
}

function keyOf(change: Change): RowKey {
  return 'create' in change ? change.create : change.replace;
}

function place({ table, pk, sk }: RowKey): string {
  return JSON.stringify([table, pk, sk]);
}
