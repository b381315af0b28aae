// Is an owner's id opaque, plain and nobody's in particular?
import { expect, test } from 'vitest';

import { isOwnerId } from '../../../shared/identity/owner-id.ts';

test.each(['ab', 'clinic', 'north-clinic-7', '0'.repeat(32), 'rooted', 'system1'])(
  '"%s" may be an owner id',
  (text) => {
    expect(isOwnerId(text)).toBe(true);
  },
);

test.each([
  '',
  '.',
  '..',
  'root',
  'system',
  'admin',
  'wardkey',
  'Root',
  'a',
  '-a',
  'a-',
  'a_b',
  'a/b',
  'a b',
  'ab\n',
  'a#b',
  'a*',
  '${aws:userid}',
  'clínica',
  '__proto__',
  'a'.repeat(33),
  'a'.repeat(300),
])('T143 %j may not be an owner id', (text) => {
  expect(isOwnerId(text)).toBe(false);
});
