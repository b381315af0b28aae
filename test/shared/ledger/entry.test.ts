// Does a leaf bind its detail and tell nothing of it, and has every entry one place?
import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { canonicalText, type Json } from '../../../shared/canonical.ts';
import {
  COMMITMENT_LABEL,
  opensCommitment,
  parseEntry,
  pendingKey,
  pendingPartition,
  recordEntry,
  STREAMS,
  writeEntry,
  type Detail,
  type Entry,
  type EntryDraft,
} from '../../../shared/ledger/entry.ts';
import { Fault } from '../../../shared/outcome.ts';
import { CountingRandomness } from '../../fakes/counting-randomness.ts';

const DETAIL: Detail = {
  actor: { kind: 'certificate', certificateId: 'certificate-of-A1' },
  decision: 'refused',
  reason: 'not-owned',
  owner: 'north-clinic',
  device: 'acme-A1',
  inputs: { deviceVersion: 0, listing: { issuer: 'issuer-of-A1', line: 2 } },
  requestId: 'request-1',
};
const DRAFT: EntryDraft = {
  stream: 'device/acme-A1',
  seq: 3,
  kind: 'refused',
  time: '2026-11-24T12:00:00.000Z',
  detail: DETAIL,
};
const SALT = Buffer.alloc(32, 7);
const ENTRY = writeEntry(DRAFT, 'id-1', SALT);

describe('commitment', () => {
  test('is SHA-256 over label, a zero byte, salt and canonical detail', () => {
    const expected = createHash('sha256')
      .update(Buffer.concat([Buffer.from(COMMITMENT_LABEL), Buffer.from([0]), SALT]))
      .update(canonicalText(DETAIL as unknown as Json))
      .digest('hex');
    expect(ENTRY.leaf.commitment).toBe(expected);
  });

  test('is opened by its detail and salt, in whatever order the members come back', () => {
    const reordered = Object.fromEntries(Object.entries(DETAIL).reverse()) as unknown as Detail;
    expect(opensCommitment(ENTRY)).toBe(true);
    expect(opensCommitment({ ...ENTRY, detail: reordered })).toBe(true);
  });

  test.each(Object.keys(DETAIL))('binds the detail: another "%s", or none, does not open it', (member) => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.dictionary(fc.string(), fc.integer())),
        (value) => {
          const changed = { ...DETAIL, [member]: value };
          const same = canonicalText(changed) === canonicalText(DETAIL as unknown as Json);
          expect(opensCommitment({ ...ENTRY, detail: changed })).toBe(same);
        },
      ),
    );
    const without = Object.fromEntries(Object.entries(DETAIL).filter(([name]) => name !== member)) as unknown as Detail;
    expect(opensCommitment({ ...ENTRY, detail: without })).toBe(false);
  });

  test('binds every input and every part of the actor, and takes no member more', () => {
    const changed: unknown[] = [
      { ...DETAIL, inputs: { ...DETAIL.inputs, deviceVersion: 1 } },
      { ...DETAIL, inputs: { ...DETAIL.inputs, listing: { issuer: 'issuer-of-A1', line: 3 } } },
      { ...DETAIL, inputs: { ...DETAIL.inputs, more: null } },
      { ...DETAIL, actor: { kind: 'certificate', certificateId: 'other' } },
      { ...DETAIL, more: null },
    ];
    for (const detail of changed) expect(opensCommitment({ ...ENTRY, detail: detail as Detail })).toBe(false);
  });

  test('binds the salt: no other salt opens it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (salt) => {
        expect(opensCommitment({ ...ENTRY, salt: Buffer.from(salt).toString('hex') })).toBe(SALT.equals(salt));
      }),
    );
  });

  test.each([0, 31, 33])('refuses a salt of %i bytes', (bytes) => {
    expect(() => writeEntry(DRAFT, 'id', Buffer.alloc(bytes))).toThrow(TypeError);
  });

  test('hides the detail: the same detail under another salt has another commitment', () => {
    expect(writeEntry(DRAFT, 'id-1', Buffer.alloc(32, 8)).leaf.commitment).not.toBe(ENTRY.leaf.commitment);
  });
});

describe('leaf', () => {
  test('carries format, id, time, kind and commitment, and nothing else', () => {
    expect(ENTRY.leaf).toEqual({
      format: 'wardkey-entry/1',
      id: 'id-1',
      time: DRAFT.time,
      kind: 'refused',
      commitment: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test('names no owner, device, actor, reason, input or request', () => {
    const leaf = JSON.stringify(ENTRY.leaf);
    for (const told of ['clinic', 'A1', 'certificate-of', 'not-owned', 'issuer', 'request-1']) {
      expect(leaf).not.toContain(told);
    }
  });
});

describe('row', () => {
  test('an entry is created, never replaced, under its stream and number, with an id and a salt of its own', () => {
    const random = new CountingRandomness();
    const first = recordEntry(DRAFT, random);
    const second = recordEntry({ ...DRAFT, seq: 4 }, random);
    expect(first.create).toEqual(pendingKey(DRAFT.stream, 3));
    expect(second.row.leaf.id).not.toBe(first.row.leaf.id);
    expect(second.row.salt).not.toBe(first.row.salt);
    expect(opensCommitment(first.row)).toBe(true);
  });

  test('an entry comes back from its row as it was, and still opens', () => {
    const back = parseEntry(JSON.parse(JSON.stringify(ENTRY)));
    expect(back).toEqual(ENTRY);
    expect(opensCommitment(back)).toBe(true);
  });

  test.each<[string, object | undefined]>([
    ['that is not there', undefined],
    ['without a stream', { ...ENTRY, stream: undefined }],
    ['with the number nought', { ...ENTRY, seq: 0 }],
    ['of another format', { ...ENTRY, leaf: { ...ENTRY.leaf, format: 'wardkey-entry/2' } }],
    ['without a commitment', { ...ENTRY, leaf: { ...ENTRY.leaf, commitment: undefined } }],
    ['without a salt', { ...ENTRY, salt: undefined }],
    ['without a decision', { ...ENTRY, detail: { ...DETAIL, decision: 'perhaps' } }],
  ])('a ledger row %s is a fault', (_title, row) => {
    expect(() => parseEntry(row)).toThrow(Fault);
  });

  test('entries of one stream stand together, in the order of their numbers', () => {
    const keys = [1, 2, 9, 10, 11, 100, 999_999].map((seq) => pendingKey('device/acme-A1', seq));
    expect(new Set(keys.map(({ pk }) => pk)).size).toBe(1);
    expect(keys.map(({ sk }) => sk).sort()).toEqual(keys.map(({ sk }) => sk));
  });

  test('every stream is in one of sixteen partitions, always the same', () => {
    const all = Array.from({ length: 16 }, (_, shard) => `pending#${String(shard).padStart(2, '0')}`);
    const used = new Set<string>();
    for (let device = 0; device < 500; device += 1) used.add(pendingPartition(`device/${device}`));
    expect([...used].sort()).toEqual(all);
    expect(pendingPartition('device/acme-A1')).toBe(pendingPartition('device/acme-A1'));
  });

  test('streams of different things never meet', () => {
    const streams = [
      STREAMS.device('x'),
      STREAMS.listing('x'),
      STREAMS.refusal('x', 'not-owned', 0),
      STREAMS.refusal('x', 'not-owned', 1),
      STREAMS.refusal('x', 'not-listed', 0),
      STREAMS.import('x', 'v1'),
      STREAMS.import('x', 'v2'),
      STREAMS.import('y', 'v1'),
      STREAMS.certificate('x'),
      STREAMS.waiting('x'),
      STREAMS.lot('x', 'y'),
      STREAMS.lot('y', 'x'),
      STREAMS.approval('x'),
      STREAMS.anchor('x'),
      STREAMS.authority('x'),
      STREAMS.owner('x'),
      STREAMS.act('x'),
    ];
    const keys = streams.map((stream) => JSON.stringify(pendingKey(stream, 1)));
    expect(new Set(keys).size).toBe(streams.length);
  });
});

test('an entry that somebody changed in the store no longer opens', () => {
  const forged: Entry = { ...ENTRY, detail: { ...DETAIL, decision: 'done' } };
  expect(opensCommitment(parseEntry(JSON.parse(JSON.stringify(forged))))).toBe(false);
});
