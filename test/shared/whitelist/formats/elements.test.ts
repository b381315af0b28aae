// Is a JSON array split into its objects, in pieces of any size, and within bounds whatever it holds?
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readElements } from '../../../../shared/whitelist/formats/elements.ts';
import { collect, inPieces } from './reading.ts';

async function split(bytes: string | Uint8Array, size = 64 * 1024) {
  const elements = await collect(readElements(inPieces(Buffer.from(bytes as string), size)));
  return elements.map(({ text }) => (text.outcome === 'done' ? text.value : text.refusal));
}

const refusal = (line: number, problem: string) => ({ reason: 'manifest-malformed', line, problem });

test('an array of objects is split into their very texts, in pieces of any size', async () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
  await fc.assert(
    fc.asyncProperty(fc.array(object), fc.integer({ min: 1, max: 50 }), fc.nat(4), async (objects, size, indent) => {
      const elements = await split(JSON.stringify(objects, null, indent), size);
      expect(elements.map((text) => JSON.parse(text as string) as unknown)).toEqual(
        JSON.parse(JSON.stringify(objects)),
      );
    }),
  );
});

describe('an array that is broken', () => {
  test.each<[string, number]>([
    ['', 1],
    ['{}', 1],
    ['[1]', 1],
    ['[[]]', 1],
    ['[{}', 2],
    ['[{},]', 2],
    ['[{} {}]', 2],
    ['[,{}]', 1],
    ['[{}]]', 2],
    ['[{}]{}', 2],
    ['[{"a":"]}', 2],
    ['\ufeff[{}]', 1],
  ])('%j ends in a refusal at element %i', async (text, line) => {
    const last = (await split(text)).at(-1);
    expect(last).toMatchObject({ reason: 'manifest-malformed', line });
  });

  test('keeps what stood before', async () => {
    expect(await split('[{"a":1},{"b":2},3]')).toEqual([
      '{"a":1}',
      '{"b":2}',
      refusal(3, 'expected an array of objects'),
    ]);
  });

  test('an empty array has no elements', async () => {
    expect(await split(' [ ] ')).toEqual([]);
  });
});

describe('T019 bounds', () => {
  test('an element of depth 100,000 is passed over', async () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(await split(`[${deep},{}]`)).toEqual([refusal(1, 'expected at most 32 levels'), '{}']);
  });

  test('an element of 32 levels is read, one of 33 is not', async () => {
    const levels = (count: number) => `{"a":${'['.repeat(count - 1)}${']'.repeat(count - 1)}}`;
    expect(await split(`[${levels(32)},${levels(33)}]`)).toEqual([
      levels(32),
      refusal(2, 'expected at most 32 levels'),
    ]);
  });

  test('an element of 256 KiB is read, a byte more is passed over', async () => {
    const sized = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;
    const limit = 256 * 1024;
    expect(await split(`[${sized(limit)},${sized(limit + 1)},{}]`)).toEqual([
      sized(limit),
      refusal(2, 'expected at most 256 KiB'),
      '{}',
    ]);
  });

  test('an element without end does not fill the memory', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const before = process.memoryUsage().arrayBuffers;
    let growth = Number.NaN;
    async function* endless() {
      yield Buffer.from('[{"a":"');
      for (let count = 0; count < 128; count += 1) yield await Promise.resolve(Buffer.alloc(1024 * 1024, 'x'));
      // Memory of buffers is swept beside the program; the next collection waits for it.
      collectGarbage();
      collectGarbage();
      growth = process.memoryUsage().arrayBuffers - before;
    }
    const elements = await collect(readElements(endless()));
    expect(elements.map(({ text }) => text)).toMatchObject([{ refusal: refusal(2, 'the array does not end') }]);
    expect(growth).toBeLessThan(64 * 1024 * 1024);
  });
});

test('bytes that are no UTF-8 are refused: two readers would see two texts', async () => {
  const bytes = Buffer.concat([Buffer.from('[{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}]')]);
  expect(await split(bytes)).toEqual([refusal(1, 'expected UTF-8')]);
});
