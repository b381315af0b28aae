// Do we accept nothing that x509-limbo and NIST PKITS refuse, and refuse of the rest only what the profile leaves out?
import { describe, expect, test } from 'vitest';

import { EXCEPTIONS, HAVE_LIMBO, HAVE_PKITS, readLimbo, readPkits, type Case } from './corpora.ts';

describe.skipIf(!HAVE_LIMBO)('x509-limbo', () => {
  agreeWith(readLimbo(), EXCEPTIONS['x509-limbo'], { cases: 71, refused: 50 });
});

describe.skipIf(!HAVE_PKITS)('NIST PKITS, at its date and with its revocation lists', () => {
  agreeWith(readPkits(), EXCEPTIONS.pkits, { cases: 97, refused: 54 });
});

interface Size {
  readonly cases: number;
  readonly refused: number;
}

function agreeWith(cases: readonly Case[], exceptions: Readonly<Record<string, string>>, size: Size): void {
  const asked = cases.filter(({ id, askable }) => askable || exceptions[id] === undefined);
  const accepted = (one: Case) => one.decide().outcome === 'done';

  test('is here as a whole', () => {
    const refused = cases.filter(({ expected }) => expected === 'refused');
    expect({ cases: cases.length, refused: refused.length }).toEqual(size);
  });

  test('T025 T032 nothing is accepted that must be refused', () => {
    const wrong = asked.filter((one) => one.expected === 'refused' && accepted(one));
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  test('T025 everything else is accepted, but for what the profile leaves out, each with its reason', () => {
    const wrong = cases.filter((one) => one.expected === 'accepted' && !accepted(one)).map(({ id }) => id);
    expect(wrong.filter((id) => exceptions[id] === undefined)).toEqual([]);
  });

  test('T025 no exception is there that is not needed', () => {
    const needed = cases.filter((one) => !one.askable || (one.expected === 'accepted' && !accepted(one)));
    expect(Object.keys(exceptions).sort()).toEqual(needed.map(({ id }) => id).sort());
    for (const reason of Object.values(exceptions)) expect(reason).toMatch(/^outside the profile: .{20,}$/);
  });
}
