// Is text from outside one JSON value, and what is said of one that a schema refused?
import { describe, expect, test } from 'vitest';
import * as z from 'zod';

import { firstProblem, parseJson } from '../../shared/json.ts';

describe('parseJson', () => {
  test('reads one value', () => {
    expect(parseJson(' {"a":[1,null]} ')).toEqual({ a: [1, null] });
  });

  test.each(['', '{', '{}{}', "{'a':1}", '[1,]', 'undefined', '\ufeff{}', 'NaN', '{"a":1}x'])(
    '%j is no JSON value',
    (text) => {
      expect(parseJson(text)).toBeUndefined();
    },
  );

  test('T018 members named __proto__ or constructor are only members: Object.prototype stays as it was', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const value = parseJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect('polluted' in {}).toBe(false);
  });
});

describe('firstProblem', () => {
  const schema = z.strictObject({ outer: z.object({ list: z.array(z.int()) }) });

  test('names the member by its place', () => {
    const parsed = schema.safeParse({ outer: { list: [1, 'secret'] } });
    expect(firstProblem(parsed.error?.issues ?? [])).toMatch(/^"outer\.list\.1": /);
  });

  test('never repeats a value that was refused', () => {
    const parsed = schema.safeParse({ outer: 'secret' });
    expect(firstProblem(parsed.error?.issues ?? [])).not.toContain('secret');
  });

  test('speaks of the whole value when no member is to blame', () => {
    expect(firstProblem(schema.safeParse(1).error?.issues ?? [])).not.toContain('"');
    expect(firstProblem([])).toBe('not as documented');
  });
});
