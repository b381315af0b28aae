// Is text from outside one JSON value, and what is said of one that a schema refused?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';

import { firstProblem, parseJson, parseStrictJson } from '../../shared/json.ts';

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

describe('parseStrictJson', () => {
  test('reads every value that JSON can say', () => {
    const value = fc.jsonValue({ maxDepth: 8 }).filter((json) => !JSON.stringify(json).includes('__proto__'));
    fc.assert(
      fc.property(value, fc.nat(4), (json, indent) => {
        const text = JSON.stringify(json, null, indent);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('T018 any member that stands twice is refused, at any depth', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 });
    fc.assert(
      fc.property(object, fc.jsonValue(), fc.nat(10), (members, other, depth) => {
        const [name = ''] = Object.keys(members);
        const twice = JSON.stringify(members).replace('{', () => `{${JSON.stringify(name)}:${JSON.stringify(other)},`);
        expect(parseStrictJson(`${'[{"a":'.repeat(depth)}${twice}${'}]'.repeat(depth)}`)).toBeUndefined();
      }),
    );
  });

  test.each([
    '{"a":1,"a":1}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"a":{"b":1,"b":2},"c":3}',
    '{"a":{"b":1,"c":2},"a":{}}',
    '[{"a":1},{"a":1,"a":2}]',
    '{"":1,"":2}',
    '{"__proto__":1}',
    '{"a":[{"__proto__":{}}]}',
    String.raw`{"\u005f_proto__":1}`,
    '{"a":1',
    '',
    '{} {}',
  ])('T018 %s is refused', (text) => {
    expect(parseStrictJson(text)).toBeUndefined();
  });

  test.each([
    String.raw`{"a:\"b\\":":"}`,
    String.raw`{"\\":"\\\\","b":"\\\""}`,
    '{"a":{"a":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"constructor":{"prototype":1}}',
    '"__proto__"',
    'null',
  ])('%s is read', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  test('T019 nests 32 deep and no deeper', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseStrictJson(nested(32))).toBeDefined();
    expect(parseStrictJson(nested(33))).toBeUndefined();
    expect(parseStrictJson(nested(100_000))).toBeUndefined();
    expect(parseStrictJson('{"a":'.repeat(100_000))).toBeUndefined();
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
