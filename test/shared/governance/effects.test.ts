// Does whoever takes a standing away hear what ended, what follows, and no promise that nobody can keep?
import { describe, expect, test } from 'vitest';

import { effectsOf } from '../../../shared/governance/effects.ts';
import type { Device } from '../../../shared/lifecycle.ts';
import { denied, offered, operational, owned, quarantined, registered, renewing, retired } from '../devices.ts';

const CLOSED = ['new connections', 'the open session'];
const LISTS = 'revocation lists';

describe('what ends, and what follows', () => {
  test.each<[title: string, previous: Device | undefined, next: Device, admission: boolean, later: string[]]>([
    ['a denial of a listed device', undefined, denied['denied while it was only listed'], false, []],
    ['a quarantine before the first connect', owned, quarantined['cut before its first connect'], false, []],
    ['a cut of an admitted device', registered, quarantined['cut after it was admitted'], true, CLOSED],
    ['a restriction of an admitted device', registered, quarantined['restricted after it was admitted'], false, []],
    [
      'a restriction that ends an offer',
      offered,
      quarantined['restricted while it was offered a certificate'],
      false,
      [LISTS],
    ],
    ['a cut at work', operational, quarantined['cut at work'], true, CLOSED],
    ['a restriction at work', operational, quarantined['restricted at work'], false, []],
    [
      'a cut after a restriction',
      quarantined['restricted at work'],
      quarantined['restricted at work and then cut'],
      true,
      CLOSED,
    ],
    ['a denial at work', renewing, denied['denied at work'], true, [...CLOSED, LISTS]],
    ['a denial of a device that was cut', quarantined['cut at work'], denied['denied in quarantine'], false, [LISTS]],
    ['a retirement at work', renewing, retired['retired at work'], true, [...CLOSED, LISTS]],
    [
      'a retirement under restrictions',
      quarantined['restricted at work'],
      retired['retired in quarantine'],
      true,
      [...CLOSED, LISTS],
    ],
  ])('%s', (_title, previous, next, admission, later) => {
    const effects = effectsOf(previous, next);
    expect(effects.atOnce).toEqual(admission ? ['new certificates', 'admission'] : ['new certificates']);
    expect(effects.later.map(({ what }) => what)).toEqual(later);
  });

  test('nothing that AWS IoT Core does is said to happen at once, and every bound is said', () => {
    const { later } = effectsOf(renewing, denied['denied at work']);
    expect(Object.fromEntries(later.map(({ what, within }) => [what, within]))).toEqual({
      'new connections': expect.stringMatching(/seconds.*longer while/) as string,
      'the open session': expect.stringMatching(/no other bound/) as string,
      'revocation lists': 'an hour',
    });
  });
});
