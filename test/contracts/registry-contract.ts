// What must every registry do? The promises of `Registry` in shared/ports.ts, one test each.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Change, Registry, RowKey } from '../../shared/ports.ts';

export interface RegistryStage {
  /** The same registry at each call; rows of other tests are in it. */
  readonly registry: () => Registry;
}

let partitions = 0;

/** A key that no other test uses. */
function freshKey(table: RowKey['table'] = 'devices', sk = 'row'): RowKey {
  partitions += 1;
  return { table, pk: `partition#${partitions}`, sk };
}

export function registryContract(name: string, { registry }: RegistryStage): void {
  describe(`registry contract: ${name}`, () => {
    readingAndCreating(registry);
    replacing(registry);
    transactions(registry);
    listing(registry);
    counting(registry);
    pending(registry);
  });
}

function readingAndCreating(registry: RegistryStage['registry']): void {
  test('reads rows in the order of the keys, from several tables, and undefined where there is none', async () => {
    const [a, b, absent] = [freshKey('devices'), freshKey('owners'), freshKey('devices')];
    await registry().commit([
      { create: a, row: { version: 1, is: 'a' } },
      { create: b, row: { version: 1, is: 'b' } },
    ]);
    expect(await registry().read([b, absent, a])).toEqual([
      { version: 1, is: 'b' },
      undefined,
      { version: 1, is: 'a' },
    ]);
  });

  test('reads nothing for no keys', async () => {
    expect(await registry().read([])).toEqual([]);
  });

  test('gives a row back as it was written, without its key and without members that are undefined', async () => {
    const key = freshKey();
    const row = {
      version: 1,
      text: 'ünï\u0000code 🩺',
      empty: '',
      yes: true,
      no: false,
      nothing: null,
      whole: Number.MAX_SAFE_INTEGER,
      fraction: -7.25,
      list: [1, 'two', [], {}],
      map: { inner: { deep: ['x'] } },
      brokerPending: '2026-11-24T12:00:00.000Z',
    };
    await registry().commit([
      { create: key, row: { ...row, absent: undefined, map: { ...row.map, absent: undefined } } },
    ]);
    expect((await registry().read([key]))[0]).toStrictEqual(row);
  });

  test('keeps values, not objects: changing what was written or read changes no row', async () => {
    const key = freshKey();
    const row = { version: 1, list: ['kept'] };
    await registry().commit([{ create: key, row }]);
    row.list.push('changed');
    const [read] = await registry().read([key]);
    (read?.['list'] as string[]).push('changed');
    expect((await registry().read([key]))[0]).toEqual({ version: 1, list: ['kept'] });
  });

  test('refuses to read more than 100 rows or one row twice', async () => {
    const key = freshKey();
    const hundred = Array.from({ length: 100 }, (_, index) => ({ ...key, sk: String(index) }));
    expect(await registry().read(hundred)).toHaveLength(100);
    await expect(registry().read([...hundred, key])).rejects.toThrow();
    await expect(registry().read([key, key])).rejects.toThrow();
  });

  test('creates only where there is no row', async () => {
    const key = freshKey();
    expect(await registry().commit([{ create: key, row: { version: 1, by: 'first' } }])).toBe('committed');
    expect(await registry().commit([{ create: key, row: { version: 1, by: 'second' } }])).toBe('lost');
    expect(await registry().read([key])).toEqual([{ version: 1, by: 'first' }]);
  });
}

function replacing(registry: RegistryStage['registry']): void {
  test('replaces a row of exactly the previous version, whole', async () => {
    const key = freshKey();
    const previous = { version: 1, gone: 'x' };
    await registry().commit([{ create: key, row: previous }]);
    expect(await registry().commit([{ replace: key, previous, next: { version: 2 } }])).toBe('committed');
    expect(await registry().read([key])).toEqual([{ version: 2 }]);
  });

  test.each([
    ['an earlier version', 1],
    ['a later version', 3],
  ])('loses a replacement that compares with %s', async (_title, version) => {
    const key = freshKey();
    await registry().commit([{ create: key, row: { version: 2 } }]);
    expect(await registry().commit([{ replace: key, previous: { version }, next: { version: 9 } }])).toBe('lost');
    expect(await registry().read([key])).toEqual([{ version: 2 }]);
  });

  test('loses a replacement where there is no row, and makes none', async () => {
    const key = freshKey();
    expect(await registry().commit([{ replace: key, previous: { version: 1 }, next: { version: 2 } }])).toBe('lost');
    expect(await registry().read([key])).toEqual([undefined]);
  });

  test('lets exactly one of twenty writers replace a version', async () => {
    const key = freshKey();
    await registry().commit([{ create: key, row: { version: 1 } }]);
    const writers = Array.from({ length: 20 }, (_, by) =>
      registry().commit([{ replace: key, previous: { version: 1 }, next: { version: 2, by } as { version: number } }]),
    );
    const results = await Promise.all(writers);
    expect(results.filter((result) => result === 'committed')).toHaveLength(1);
    expect(await registry().read([key])).toEqual([{ version: 2, by: results.indexOf('committed') }]);
  });
}

function transactions(registry: RegistryStage['registry']): void {
  test.each(['first', 'last'])('writes nothing when the %s comparison fails', async (place) => {
    const [taken, free] = [freshKey('whitelist'), freshKey('ledger')];
    await registry().commit([{ create: taken, row: { version: 1 } }]);
    const changes: Change[] = [
      { create: taken, row: { version: 1, again: true } },
      { create: free, row: { version: 1 } },
    ];
    expect(await registry().commit(place === 'first' ? changes : changes.reverse())).toBe('lost');
    expect(await registry().read([taken, free])).toEqual([{ version: 1 }, undefined]);
  });

  test('takes 100 changes, refuses 101 and refuses none', async () => {
    const key = freshKey('ledger');
    const change = (index: number) => ({ create: { ...key, sk: String(index) }, row: { version: 1 } });
    const changes = Array.from({ length: 101 }, (_, index) => change(index));
    await expect(registry().commit(changes)).rejects.toThrow();
    await expect(registry().commit([])).rejects.toThrow();
    expect(await registry().list('ledger', key.pk, '')).toHaveLength(0);
    expect(await registry().commit(changes.slice(1))).toBe('committed');
    expect(await registry().list('ledger', key.pk, '')).toHaveLength(100);
  });

  test('refuses two changes of one row, and makes neither', async () => {
    const key = freshKey();
    const change = { create: key, row: { version: 1 } };
    await expect(registry().commit([change, change])).rejects.toThrow();
    expect(await registry().read([key])).toEqual([undefined]);
  });

  test('after any commits, each row has the value of the last change that was committed', async () => {
    const plan = fc.array(
      fc.uniqueArray(fc.record({ row: fc.nat(3), previous: fc.nat(3) }), {
        selector: ({ row }) => row,
        minLength: 1,
        maxLength: 3,
      }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(plan, async (commits) => {
        const keys = Array.from({ length: 4 }, () => freshKey());
        const versions: (number | undefined)[] = keys.map(() => undefined);
        for (const changes of commits) {
          const holds = changes.every(({ row, previous }) => versions[row] === (previous === 0 ? undefined : previous));
          const asked = changes.map(({ row, previous }) => changeOf(keys[row] ?? freshKey(), previous));
          expect(await registry().commit(asked)).toBe(holds ? 'committed' : 'lost');
          if (holds) for (const { row, previous } of changes) versions[row] = previous + 1;
        }
        const rows = await registry().read(keys);
        expect(rows.map((row) => row?.['version'])).toEqual(versions);
      }),
      { numRuns: 30 },
    );
  });
}

function changeOf(key: RowKey, previous: number): Change {
  const next = { version: previous + 1 };
  return previous === 0 ? { create: key, row: next } : { replace: key, previous: { version: previous }, next };
}

function listing(registry: RegistryStage['registry']): void {
  test('lists the rows of one partition whose sort key begins with the prefix, in order of their bytes', async () => {
    const { table, pk } = freshKey('owners');
    const other = freshKey('owners', 'b#0');
    const sorted = ['a#1', 'b#1', 'b#10', 'b#2', 'b#é', 'c'];
    for (const sk of [...sorted].reverse())
      await registry().commit([{ create: { table, pk, sk }, row: { version: 1, is: sk } }]);
    await registry().commit([{ create: other, row: { version: 1 } }]);
    const rows = sorted.map((sk) => ({ version: 1, is: sk, sk }));
    expect(await registry().list(table, pk, '')).toEqual(rows);
    expect(await registry().list(table, pk, 'b#')).toEqual(rows.slice(1, 5));
    expect(await registry().list(table, pk, 'x')).toEqual([]);
  });

  test('lists more rows than fit into one answer of the store', async () => {
    const { table, pk } = freshKey('owners');
    const filling = 'x'.repeat(300_000);
    for (const sk of ['1', '2', '3', '4', '5']) {
      await registry().commit([{ create: { table, pk, sk }, row: { version: 1, filling } }]);
    }
    expect((await registry().list(table, pk, '')).map(({ sk }) => sk)).toEqual(['1', '2', '3', '4', '5']);
  });
}

function counting(registry: RegistryStage['registry']): void {
  test('counts repeats of a row from nothing, and leaves the rest as it was', async () => {
    const key = freshKey();
    await registry().commit([{ create: key, row: { version: 1, reason: 'not-owned' } }]);
    expect(await registry().countRepeat(key)).toBe('counted');
    expect(await registry().countRepeat(key)).toBe('counted');
    expect(await registry().read([key])).toEqual([{ version: 1, reason: 'not-owned', repeats: 2 }]);
  });

  test('counts no repeat of a row that is not there, and makes none', async () => {
    const key = freshKey();
    expect(await registry().countRepeat(key)).toBe('absent');
    expect(await registry().read([key])).toEqual([undefined]);
  });
}

function pending(registry: RegistryStage['registry']): void {
  test('finds rows that are pending since the time or before it, oldest first, at most so many', async () => {
    // Earlier than what any other test writes.
    const times = ['2001-01-01T00:00:00.000Z', '2001-01-01T00:00:01.000Z', '2001-01-01T00:00:02.000Z'];
    const keys = times.map(() => freshKey());
    const changes = keys.map((key, index) => ({ create: key, row: { version: 1, brokerPending: times[index] } }));
    await registry().commit(changes.reverse());
    expect(await registry().pendingAlignments('2001-01-01T00:00:00.999Z', 10)).toEqual(keys.slice(0, 1));
    expect(await registry().pendingAlignments('2001-01-01T00:00:02.000Z', 10)).toEqual(keys);
    expect(await registry().pendingAlignments('2001-01-01T00:00:02.000Z', 2)).toEqual(keys.slice(0, 2));
    for (const key of keys) await registry().commit([{ replace: key, previous: { version: 1 }, next: { version: 2 } }]);
    expect(await registry().pendingAlignments('2001-01-01T00:00:02.000Z', 10)).toEqual([]);
  });

  test('tells of devices and authorities before certificates, which wait for nobody', async () => {
    const device = freshKey();
    const authority = { ...device, pk: `authority#${device.pk}`, sk: 'breaker' };
    const certificate = { ...device, pk: `certificate#${device.pk}` };
    const row = (second: number) => ({ version: 1, brokerPending: `1998-01-01T00:00:0${second}.000Z` });
    await registry().commit([
      { create: certificate, row: row(1) },
      { create: device, row: row(2) },
      { create: authority, row: row(3) },
    ]);
    const all = [device, authority, certificate];
    expect(await registry().pendingAlignments('1998-01-01T00:00:09.000Z', 10)).toEqual(all);
    expect(await registry().pendingAlignments('1998-01-01T00:00:09.000Z', 2)).toEqual(all.slice(0, 2));
    for (const key of all) {
      await registry().commit([{ replace: key, previous: { version: 1 }, next: { version: 2 } }]);
    }
  });

  test('lists no row twice while its marker moves', async () => {
    const key = freshKey();
    const row = (version: number) => ({ version, brokerPending: `1999-01-01T00:00:0${version}.000Z` });
    await registry().commit([{ create: key, row: row(1) }]);
    await registry().commit([{ replace: key, previous: { version: 1 }, next: row(2) }]);
    expect(await registry().pendingAlignments('1999-01-01T00:00:01.000Z', 10)).toEqual([]);
    expect(await registry().pendingAlignments('1999-01-01T00:00:02.000Z', 10)).toEqual([key]);
    await registry().commit([{ replace: key, previous: { version: 2 }, next: { version: 3 } }]);
  });
}
