// Does the registry of a replayed event compare as every registry does? Its promises are those of shared/ports.ts, but
// for pending alignments, which nobody asks of it.
import { expect, test } from 'vitest';

import { replayRegistry } from '../../cli/replay-registry.ts';

const A = { table: 'devices', pk: 'device#a', sk: 'row' } as const;
const B = { table: 'devices', pk: 'device#b', sk: 'row' } as const;

test('reads the rows of its world in the order of the keys, and undefined where there is none', async () => {
  const registry = replayRegistry([{ ...A, row: { version: 1 } }]);
  expect(await registry.read([B, A])).toEqual([undefined, { version: 1 }]);
});

test('tells tables apart that have the same keys', async () => {
  const registry = replayRegistry([{ ...A, row: { version: 1 } }]);
  expect(await registry.read([{ ...A, table: 'owners' }])).toEqual([undefined]);
});

test('creates only what is not there', async () => {
  const registry = replayRegistry([]);
  expect(await registry.commit([{ create: A, row: { version: 1 } }])).toBe('committed');
  expect(await registry.commit([{ create: A, row: { version: 9 } }])).toBe('lost');
  expect(await registry.read([A])).toEqual([{ version: 1 }]);
});

test('replaces only the version that was read', async () => {
  const registry = replayRegistry([{ ...A, row: { version: 2 } }]);
  const change = (version: number) => ({ replace: A, previous: { version }, next: { version: version + 1 } });
  expect(await registry.commit([change(1)])).toBe('lost');
  expect(await registry.commit([change(2)])).toBe('committed');
  expect(await registry.commit([{ replace: B, previous: { version: 1 }, next: { version: 2 } }])).toBe('lost');
  expect(await registry.read([A, B])).toEqual([{ version: 3 }, undefined]);
});

test('writes all changes or none', async () => {
  const registry = replayRegistry([{ ...B, row: { version: 1 } }]);
  const changes = [
    { create: A, row: { version: 1 } },
    { create: B, row: { version: 1 } },
  ];
  expect(await registry.commit(changes)).toBe('lost');
  expect(await registry.read([A])).toEqual([undefined]);
});

test('lists a partition by the beginning of the sort key, in order', async () => {
  const row = (sk: string) => ({ table: 'owners', pk: 'p', sk, row: { version: 1 } }) as const;
  const registry = replayRegistry([row('b#2'), row('b#1'), row('a'), { ...row('b#3'), pk: 'other' }]);
  expect(await registry.list('owners', 'p', 'b#')).toEqual([
    { version: 1, sk: 'b#1' },
    { version: 1, sk: 'b#2' },
  ]);
});

test('counts repeats of a row', async () => {
  const registry = replayRegistry([{ ...A, row: { version: 1 } }]);
  await registry.countRepeat(A);
  await registry.countRepeat(A);
  expect(await registry.read([A])).toEqual([{ version: 1, repeats: 2 }]);
});

test('asks for no alignment, and shows its rows by table in the order of their keys', async () => {
  const registry = replayRegistry([
    { ...B, row: { version: 1, brokerPending: '2026-11-24T12:00:00.000Z' } },
    { ...A, row: { version: 1 } },
    { ...A, table: 'owners', row: { version: 1 } },
  ]);
  expect(await registry.pendingAlignments('2027-01-01T00:00:00.000Z', 10)).toEqual([]);
  expect(registry.rows('devices').map(({ pk }) => pk)).toEqual([A.pk, B.pk]);
});
