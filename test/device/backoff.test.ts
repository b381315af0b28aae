// How long are the pauses of a device? Longer each time, up to a limit, and never less than the broker's second.
import { describe, expect, test } from 'vitest';

import { jittered, paceConnect } from '../../device/backoff.ts';

describe('a pause', () => {
  test('is anything from nothing up to the doubled limit, which ends at a minute', () => {
    const limits = [0, 1, 2, 5, 6, 7, 5_000].map((failures) => jittered(failures, () => 1 - 2 ** -40));
    expect(limits).toEqual([999, 1_999, 3_999, 31_999, 59_999, 59_999, 59_999]);
    expect(jittered(6, () => 0)).toBe(0);
  });

  test.for([
    ['after no connect at all', undefined, 5_000, 0],
    ['at once after one', 5_000, 5_000, 1_000],
    ['a little later', 5_000, 5_400, 600],
    ['later than a second', 5_000, 7_000, 0],
    ['when the clock was set back', 5_000, 1_000, 1_000],
  ] as const)('before a connect, %s', ([, last, now, expected]) => {
    expect(paceConnect(last, now)).toBe(expected);
  });
});
