// Does a revocation list say which certificates its issuer has taken back, in the one form that our own reader believes?
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import { verifyPath } from '../../../shared/identity/path.ts';
import { parseRevocationList, verifyRevocationList } from '../../../shared/identity/revocation-list.ts';
import {
  commissionList,
  prepareRevocationList,
  restoreList,
  type ListOrder,
  type Revoked,
} from '../../../shared/issuance/prepare-list.ts';
import { assemble } from '../../../shared/issuance/profile.ts';
import { signVerified } from '../../../shared/signing/verified-signature.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';
import { basic, craft, extension, keyIds, keysOf, keyUsage, nameOf } from '../../pki/crafted.ts';
import { children, readTlv, tlv } from '../../pki/der.ts';
import { issue, issuerOf, makeAuthorities, NOW, serial, valueOf, type Authorities } from './orders.ts';

let authorities: Authorities;
beforeAll(async () => {
  authorities = await makeAuthorities();
});

const fault = (code: string, message = '') =>
  expect.objectContaining({ name: 'Fault', code, message: expect.stringContaining(message) as string }) as Error;

const TIMES = { thisUpdate: '2026-11-25T10:00:00.123Z', nextUpdate: '2026-11-26T10:00:00.999Z' };

function orderList(revoked: readonly Revoked[] = [], wishes: Partial<ListOrder> = {}): ListOrder {
  return { issuer: authorities.issuing.issuer, number: 7, ...TIMES, revoked, ...wishes };
}

function prepare(revoked: readonly Revoked[] = [], wishes: Partial<ListOrder> = {}) {
  return prepareRevocationList(orderList(revoked, wishes));
}

async function publish(revoked: readonly Revoked[], wishes: Partial<ListOrder> = {}) {
  const prepared = valueOf(prepare(revoked, wishes));
  return commissionList(prepared, await signVerified(authorities.issuing.signer, prepared.tbs));
}

const at = (revokedAt: string, number: string, reason?: Revoked['reason']): Revoked => ({
  serial: number,
  revokedAt,
  ...(reason === undefined ? {} : { reason }),
});

describe('a list', () => {
  test('holds the fields of RFC 5280 5, byte for byte, by serial number', () => {
    const { issuer } = authorities.issuing;
    const revoked = [at('2026-11-24T00:00:00Z', '0100', 'keyCompromise'), at('2026-11-25T09:00:00.5Z', 'ff')];
    const { tbs, ...prepared } = valueOf(prepare(revoked));
    const [signature] = [Buffer.from('300a06082a8648ce3d040302', 'hex')];
    const utc = (digits: string) => tlv(0x17, Buffer.from(digits));
    const expected = tlv(
      0x30,
      tlv(0x02, Buffer.from([1])),
      signature,
      Buffer.from(issuer.name),
      utc('261125100000Z'),
      utc('261126100000Z'),
      tlv(
        0x30,
        tlv(0x30, tlv(0x02, Buffer.from([0, 0xff])), utc('261125090000Z')),
        tlv(
          0x30,
          tlv(0x02, Buffer.from([1, 0])),
          utc('261124000000Z'),
          tlv(0x30, extension('551d15', tlv(0x0a, Buffer.from([1])))),
        ),
      ),
      tlv(
        0xa0,
        tlv(
          0x30,
          extension('551d23', tlv(0x30, tlv(0x80, issuer.keyId))),
          extension('551d14', tlv(0x02, Buffer.from([7]))),
        ),
      ),
    );
    expect(Buffer.from(tbs).toString('hex')).toBe(expected.toString('hex'));
    expect(prepared).toEqual({
      number: 7,
      thisUpdate: '2026-11-25T10:00:00.000Z',
      nextUpdate: '2026-11-26T10:00:00.000Z',
      signer: issuer.publicKey,
      algorithm: 'ES256',
    });
  });

  test('of nothing leaves the sequence of entries out', () => {
    const fields = children(Buffer.from(valueOf(prepare()).tbs));
    expect(fields.map(([tag]) => tag)).toEqual([0x02, 0x30, 0x30, 0x17, 0x17, 0xa0]);
  });

  test('T040 is read back, verified and believed by our own reader', async () => {
    const revoked = [
      at('2026-11-24T00:00:00Z', '0100', 'keyCompromise'),
      at('2026-11-24T00:00:00Z', 'ff', 'unspecified'),
      at('2026-11-25T09:00:00Z', '47'.repeat(16), 'superseded'),
    ];
    const { list, der } = await publish(revoked);
    expect(valueOf(parseRevocationList(der))).toEqual(list);
    expect(list).toMatchObject({ number: '7', isDelta: false, limit: undefined });
    expect(list.revoked).toEqual([
      { serial: 'ff', revokedAt: '2026-11-24T00:00:00.000Z', reason: 'unspecified' },
      { serial: '0100', revokedAt: '2026-11-24T00:00:00.000Z', reason: 'keyCompromise' },
      { serial: '47'.repeat(16), revokedAt: '2026-11-25T09:00:00.000Z', reason: 'superseded' },
    ]);
    const { certificate } = authorities.issuing.issuer;
    expect(verifyRevocationList(list, certificate, '2026-11-26T10:00:00Z').outcome).toBe('done');
    expect(verifyRevocationList(list, certificate, '2026-11-26T10:00:01Z')).toMatchObject({
      refusal: { reason: 'crl-stale' },
    });
  });

  test('T040 takes a certificate back, and only that one', async () => {
    const [first, second] = [await issue(authorities.issuing), await issue(authorities.issuing, { serial: serial(8) })];
    const above = valueOf(prepareRevocationList({ ...orderList(), issuer: authorities.root.issuer }));
    const rootList = commissionList(above, await signVerified(authorities.root.signer, above.tbs));
    const { list } = await publish([at(NOW, first.prepared.serial, 'cessationOfOperation')]);
    const question = {
      issuers: [authorities.issuing.issued.certificate],
      anchors: [authorities.root.issued.certificate],
      usage: 'device',
      now: '2026-11-25T12:00:00Z',
      revocation: [list, rootList.list],
    } as const;
    expect(verifyPath({ ...question, leaf: second.certificate }).outcome).toBe('done');
    expect(verifyPath({ ...question, leaf: first.certificate })).toMatchObject({
      refusal: { reason: 'certificate-revoked', serial: first.prepared.serial },
    });
  });

  test('any list is read back as what was taken back, and restored from its bytes', () => {
    const reasons = ['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded'] as const;
    const others = ['cessationOfOperation', 'certificateHold', 'privilegeWithdrawn'] as const;
    const entry = fc.record({
      serial: fc
        .uint8Array({ minLength: 1, maxLength: 19 })
        .filter(([first]) => first !== 0)
        .map((bytes) => Buffer.from(bytes).toString('hex')),
      revokedAt: fc.integer({ min: 0, max: 1_795_000_000 }).map((second) => new Date(second * 1000).toISOString()),
      reason: fc.constantFrom(...reasons, ...others),
    });
    const entries = fc.uniqueArray(entry, { selector: ({ serial: number }) => number, maxLength: 30 });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (revoked, number) => {
        const prepared = valueOf(prepare(revoked, { number }));
        const der = assemble(prepared.tbs, 'ES256', Buffer.from('3006020101020101', 'hex'));
        const list = valueOf(parseRevocationList(der));
        const bySerial = (one: Revoked, other: Revoked) =>
          Number(BigInt(`0x${one.serial}`) - BigInt(`0x${other.serial}`));
        expect(list.revoked).toEqual(revoked.toSorted(bySerial));
        expect(list.number).toBe(String(number));
        expect(restoreList(prepared.tbs, authorities.issuing.issuer)).toEqual(prepared);
        expect(valueOf(prepare(revoked.toReversed(), { number })).tbs).toEqual(prepared.tbs);
      }),
      { seed: 20261125, numRuns: 100 },
    );
  });
});

describe('what cannot be meant is a fault', () => {
  test.each<[string, Partial<ListOrder>]>([
    ['the number 0', { number: 0 }],
    ['a number below 0', { number: -1 }],
    ['half a number', { number: 1.5 }],
    ['a number beyond what is counted', { number: 2 ** 53 }],
    ['no time', { thisUpdate: 'now' }],
    ['an end without a time', { nextUpdate: '' }],
    ['an end at its beginning', { nextUpdate: '2026-11-25T10:00:00.999Z' }],
    ['an end before its beginning', { nextUpdate: '2026-11-24T10:00:00Z' }],
  ])('%s', (_what, wishes) => {
    expect(() => prepare([], wishes)).toThrow(fault('row-malformed'));
  });

  test.each<[string, string]>([
    ['T036 no serial', ''],
    ['T036 the serial zero', '00'],
    ['T036 a serial with a zero byte in front', '0001'],
    ['T036 twenty bytes with a zero byte in front', `00${'01'.repeat(19)}`],
    ['T036 half a byte', '123'],
    ['T036 upper case', 'FF'],
    ['T036 something else than hex', 'xy'],
    ['T036 a serial of 21 bytes', '01'.repeat(21)],
    ['T036 twenty bytes that would look negative', `80${'00'.repeat(19)}`],
  ])('%s', (_what, number) => {
    expect(() => prepare([at(NOW, number)])).toThrow(fault('row-malformed', 'serial'));
  });

  test('T036 the largest serial there is, of 20 bytes, can be meant', () => {
    const number = `7f${'ff'.repeat(19)}`;
    const { tbs } = valueOf(prepare([at(NOW, number)]));
    expect(Buffer.from(tbs).toString('hex')).toContain(`0214${number}`);
  });

  test('one serial twice', () => {
    const twice = [at(NOW, '02'), at(NOW, '01'), at('2026-11-24T00:00:00Z', '02', 'superseded')];
    expect(() => prepare(twice)).toThrow(fault('row-malformed', 'twice'));
  });

  test('a revocation without a time', () => {
    expect(() => prepare([at('yesterday', '01')])).toThrow(fault('row-malformed'));
  });
});

describe('refused', () => {
  test('a list of an authority that may not sign lists', () => {
    const keys = keysOf('Ward CA');
    const extensions = [basic(true), keyUsage('keyCertSign'), ...keyIds(keys, keys)];
    const issuer = issuerOf(craft({ name: 'Ward CA', extensions }).certificate);
    expect(prepare([], { issuer })).toEqual({
      outcome: 'refused',
      refusal: { reason: 'usage-differs', expected: 'cRLSign', got: 'keyCertSign' },
    });
  });

  test('a list longer than our own reader takes, and the longest that is not is read', async () => {
    const entries = (count: number) =>
      Array.from({ length: count }, (_none, index) =>
        at(NOW, `40${index.toString(16).padStart(30, '0')}`, 'superseded'),
      );
    const each = valueOf(prepare(entries(10_001))).tbs.length - valueOf(prepare(entries(10_000))).tbs.length;
    const most = 10_000 + Math.floor((1024 * 1024 - 256 - valueOf(prepare(entries(10_000))).tbs.length) / each);
    expect((await publish(entries(most))).list.revoked).toHaveLength(most);
    expect(prepare(entries(most + 1))).toMatchObject({ refusal: { reason: 'crl-unusable' } });
  });
});

describe('a list leaves only as it was prepared', () => {
  test('a signature by another key is a fault', async () => {
    const prepared = valueOf(prepare());
    const verified = await signVerified(new SoftwareCertificateSigner('ES256'), prepared.tbs);
    expect(() => commissionList(prepared, verified)).toThrow(fault('answer-malformed', 'another key'));
  });

  test('a signature over another list is a fault: an older one would hide what was taken back since', async () => {
    const older = valueOf(prepare([], { number: 6 }));
    const verified = await signVerified(authorities.issuing.signer, older.tbs);
    expect(() => commissionList(valueOf(prepare()), verified)).toThrow(fault('answer-malformed', 'other bytes'));
  });
});

describe('stored bytes are restored only when they are a list of this issuer', () => {
  const good = () => Buffer.from(valueOf(prepare([at(NOW, '0100', 'superseded')])).tbs);
  const change = (index: number, field: Buffer) =>
    tlv(0x30, ...children(good()).map((each, place) => (place === index ? field : each)));

  test.each<[string, () => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['a byte behind it', () => Buffer.concat([good(), Buffer.from([0])])],
    ['a certificate', () => Buffer.from(children(Buffer.from(authorities.issuing.issued.der))[0] ?? [])],
    ['version 1', () => tlv(0x30, ...children(good()).slice(1))],
    ['another algorithm', () => change(1, Buffer.from('300a06082a8648ce3d040303', 'hex'))],
    ['another issuer', () => change(2, nameOf('Somebody'))],
    ['a number of 20 bytes', () => withExtensions(extension('551d14', tlv(0x02, Buffer.alloc(20, 1))))],
    ['no authorityKeyIdentifier', () => withExtensions(extension('551d14', tlv(0x02, Buffer.from([7]))))],
    ['a limit', () => withExtensions(...extensionsOf(good()), extension('551d1c', tlv(0x30), true))],
    ['a delta', () => withExtensions(...extensionsOf(good()), extension('551d1b', tlv(0x02, Buffer.from([1])), true))],
    ['a reason nobody uses', () => change(5, tlv(0x30, removed()))],
  ])('%s', (_what, bytes) => {
    expect(() => restoreList(bytes(), authorities.issuing.issuer)).toThrow(fault('row-malformed'));
  });

  test('and not of another one', async () => {
    const other = (await makeAuthorities()).issuing.issuer;
    expect(() => restoreList(good(), other)).toThrow(fault('row-malformed'));
  });

  function extensionsOf(tbs: Buffer): readonly Buffer[] {
    return children(readTlv(children(tbs).at(-1) ?? Buffer.alloc(0)).content);
  }

  function withExtensions(...list: readonly Buffer[]): Buffer {
    return change(6, tlv(0xa0, tlv(0x30, ...list)));
  }

  /** removeFromCRL, which stands in delta lists only. */
  function removed(): Buffer {
    const reason = tlv(0x30, extension('551d15', tlv(0x0a, Buffer.from([8]))));
    return tlv(0x30, tlv(0x02, Buffer.from([1])), tlv(0x17, Buffer.from('261124000000Z')), reason);
  }
});
