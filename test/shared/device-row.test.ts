// Does a stored row come back only as what it was, and is a damaged one a fault, never a default?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseDevice } from '../../shared/device-row.ts';
import { Fault } from '../../shared/outcome.ts';
import { denied, DEVICES, made, NOW, owned, quarantined, registered, retired, stored } from './devices.ts';

const atWork = made(DEVICES['operational with everything']);

test.each(Object.entries(DEVICES))('%s: comes back from its row as it was', (_title, device) => {
  expect(parseDevice(stored(device))).toEqual(device);
});

test.each([
  ['an owned device', owned, ['registeredAt', 'current', 'offered', 'window', 'cause', 'administrator']],
  ['a registered device', registered, ['current', 'window', 'operationalAt', 'administrator']],
  ['a quarantined device', quarantined['cut after it was admitted'], ['current', 'offered', 'window']],
  ['a denied device', denied['denied at work'], ['current', 'proof', 'quarantinedAt']],
  ['a retired device', retired['retired at work'], ['current', 'window', 'proof', 'deniedAt']],
] as const)('keeps nothing of a row that the state does not have: %s', (_title, device, members) => {
  const more = Object.fromEntries(members.map((member) => [member, NOW]));
  expect(parseDevice({ ...stored(device), ...more, pk: 'x', sk: 'row' })).toEqual(device);
});

test.each(['', 'Owned', 'released', 'transferring', 'listed', 'toString', '__proto__'])(
  'takes the unknown state "%s" for a fault, never for a default',
  (state) => {
    for (const device of Object.values(DEVICES)) expect(() => parseDevice({ ...stored(device), state })).toThrow(Fault);
  },
);

describe('a row whose member is missing or of another kind is a fault:', () => {
  const wrong = {
    text: fc.constantFrom<unknown>(undefined, null, '', 0, true, [], {}, ['x']),
    count: fc.constantFrom<unknown>(undefined, null, 0, -1, 1.5, '1', Number.NaN, 2 ** 53, Infinity, [1]),
    part: fc.constantFrom<unknown>(undefined, null, '', 'x', 0, true, {}, []),
    /** One of a list of words. */
    word: fc.constantFrom<unknown>(undefined, null, '', 0, {}, 'toString', '__proto__', 'Cut', 'pump of room 7'),
  };
  const COMMON_OF_ALL = {
    id: 'text',
    version: 'count',
    manufacturer: 'text',
    path: 'word',
    factoryCertificate: 'text',
    state: 'word',
  } as const;
  const COMMON = { ...COMMON_OF_ALL, owner: 'text', epoch: 'count' } as const;
  const STATES = {
    owned: [owned, { ...COMMON, proof: 'word' }],
    registered: [registered, { ...COMMON, proof: 'word', registeredAt: 'text' }],
    operational: [atWork, { ...COMMON, proof: 'word', registeredAt: 'text', operationalAt: 'text', current: 'part' }],
    quarantined: [
      quarantined['restricted at work'],
      { ...COMMON, proof: 'word', level: 'word', from: 'word', cause: 'word', quarantinedAt: 'text', current: 'part' },
    ],
    retired: [retired['retired at work'], { ...COMMON, cause: 'word', retiredAt: 'text' }],
    denied: [denied['denied while it was only listed'], { ...COMMON_OF_ALL, cause: 'word', deniedAt: 'text' }],
  } as const;
  const members = Object.entries(STATES).flatMap(([state, [device, kinds]]) =>
    Object.entries(kinds).map(([member, kind]: [string, keyof typeof wrong]) => [state, member, kind, device] as const),
  );

  test.each(members)('%s, "%s" that is no %s', (_state, member, kind, device) => {
    fc.assert(
      fc.property(wrong[kind], (value) => {
        expect(() => parseDevice({ ...stored(device), [member]: value })).toThrow(Fault);
      }),
    );
  });

  test.each(['brokerPending', 'alignedAt', 'placement'])('"%s" that is there and no text', (member) => {
    for (const device of Object.values(DEVICES))
      for (const value of [null, '', 0, true, {}])
        expect(() => parseDevice({ ...stored(device), [member]: value })).toThrow(Fault);
  });

  test.each(['offered', 'window'])('"%s" that is there and no part', (member) => {
    for (const value of [null, '', 'x', 0, true, {}])
      expect(() => parseDevice({ ...stored(atWork), [member]: value })).toThrow(Fault);
  });

  const PARTS = [
    ...['certificateId', 'issuer', 'serial', 'issuedAt', 'renewFrom', 'notAfter'].flatMap((name) => [
      ['current', name] as const,
      ['offered', name] as const,
    ]),
    ['window', 'opens'],
    ['window', 'closes'],
  ] as const;

  test.each(PARTS)('"%s" without its "%s"', (part, name) => {
    const row = stored(atWork);
    const damaged = { ...(row[part] as object), [name]: undefined };
    expect(() => parseDevice({ ...row, [part]: damaged })).toThrow(Fault);
  });

  test('a device from work in quarantine without the certificate that it goes on with', () => {
    expect(() => parseDevice({ ...quarantined['cut after it was admitted'], from: 'operational' })).toThrow(Fault);
  });

  test.each([
    ['a state before that is none', quarantined['cut after it was admitted'], { from: 'denied' }],
    ['an owner and no epoch', denied['denied at work'], { epoch: 0 }],
    ['an owner that is empty', denied['denied at work'], { owner: '' }],
    ['no owner, and an epoch below none', denied['denied while it was only listed'], { epoch: -1 }],
    ['the path of another time', owned, { path: 'dpp' }],
    ['a proof that nobody has shown', owned, { proof: 'voucher' }],
  ])('%s', (_title, device, change) => {
    expect(() => parseDevice({ ...stored(device), ...change })).toThrow(Fault);
  });
});
