// Does an archive hold small plain files under harmless names, and does reading stop where it holds anything else?
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readTar, TAR_END, tarMember } from '../../../../shared/whitelist/formats/tar.ts';
import { collect, inPieces } from './reading.ts';

async function unpack(archive: Uint8Array, size = 64 * 1024) {
  const files = await collect(readTar(inPieces(archive, size)));
  return files.map((file) => (file.outcome === 'done' ? file.value.name : file.refusal.reason));
}

const member = (name: string, bytes = Buffer.from('x')) => tarMember({ name, bytes });
const archive = (...members: Uint8Array[]) => Buffer.concat([...members, TAR_END]);

/** The header changed and its checksum made right again. */
function changed(change: (header: Buffer) => void, base = member('a.pem')): Buffer {
  const bytes = Buffer.from(base);
  change(bytes);
  bytes.write('        ', 148, 'latin1');
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

const typed = (type: string) => changed((header) => header.write(type, 156, 'latin1'));

test('what is packed is unpacked, in pieces of any size', async () => {
  const file = fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9_]{1,20}\.pem$/),
    bytes: fc.uint8Array({ maxLength: 1500 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(file), fc.integer({ min: 1, max: 2000 }), async (files, size) => {
      const packed = files.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes) }));
      const read = await collect(readTar(inPieces(archive(...packed.map(tarMember)), size)));
      expect(read).toEqual(packed.map((value) => ({ outcome: 'done', value })));
    }),
  );
});

test('passes over folders, and leaves a ./ at the start out of names', async () => {
  const folder = changed((header) => header.write('5', 156, 'latin1'), member('E0E0/', Buffer.alloc(0)));
  const here = changed((header) => header.write('5', 156, 'latin1'), member('./', Buffer.alloc(0)));
  expect(await unpack(archive(here, folder, member('./E0E0/a.pem')))).toEqual(['E0E0/a.pem']);
});

test('refuses a folder that says it has bytes', async () => {
  const folder = changed((header) => header.write('5', 156, 'latin1'), member('E0E0'));
  expect(await unpack(archive(folder))).toEqual(['archive-unsafe']);
});

test('reads headers of GNU tar', async () => {
  expect(await unpack(archive(changed((header) => header.write('ustar  \0', 257, 'latin1'))))).toEqual(['a.pem']);
});

test('reads the prefix of a long POSIX name', async () => {
  expect(await unpack(archive(changed((header) => header.write('E0E0', 345, 'latin1'))))).toEqual(['E0E0/a.pem']);
});

describe('T019 a name that leaves the archive, or that two systems read differently', () => {
  test.each([
    '../a',
    'a/../b',
    'a/..',
    '/etc/passwd',
    'a//b',
    '..',
    'a/./b',
    String.raw`..\a`,
    'C:a',
    'a\nb',
    'é',
    'a\0b',
    '',
  ])('%j is refused, and nothing behind it is read', async (name) => {
    expect(await unpack(archive(member('good'), member(name), member('behind')))).toEqual(['good', 'archive-unsafe']);
  });
});

describe('T019 what is no plain file', () => {
  test.each([
    ['1', 'a hard link'],
    ['2', 'a symbolic link'],
    ['3', 'a character device'],
    ['4', 'a block device'],
    ['6', 'a pipe'],
    ['7', 'a contiguous file'],
    ['L', 'a long name of GNU tar'],
    ['x', 'a header of pax'],
    ['g', 'a global header of pax'],
  ])('type %s, %s, is refused', async (type) => {
    expect(await unpack(archive(typed(type), member('behind')))).toEqual(['archive-unsafe']);
  });
});

describe('T019 bounds', () => {
  test('a file of 64 KiB is read, a byte more is refused', async () => {
    const sized = (size: number) => member('a', Buffer.alloc(size));
    expect(await unpack(archive(sized(64 * 1024)))).toEqual(['a']);
    expect(await unpack(archive(sized(64 * 1024 + 1)))).toEqual(['archive-unsafe']);
  });

  test.each([
    '77777777777\0',
    '\x80\0\0\0\0\0\0\0\0\0\0\x01',
    '-0000000001\0',
    '0000000000g\0',
    '\0\0\0\0\0\0\0\0\0\0\0\0',
  ])('a size of %j is refused', async (size) => {
    expect(await unpack(archive(changed((header) => header.write(size, 124, 'latin1'))))).toEqual(['archive-unsafe']);
  });
});

describe('an archive that is not whole', () => {
  const whole = archive(member('a'));

  test.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['no end', member('a')],
    ['half an end', whole.subarray(0, -512)],
    ['a file that is cut off', member('a').subarray(0, 600)],
    ['a header that is cut off', member('a').subarray(0, 100)],
    ['another archive behind it', Buffer.concat([whole, whole])],
    ['a header with a wrong checksum', archive(Buffer.from(member('a')).fill('b', 0, 1))],
    ['no magic', archive(changed((header) => header.fill(0, 257, 265)))],
  ])('%s is refused', async (_title, bytes) => {
    expect((await unpack(bytes)).at(-1)).toBe('archive-unsafe');
  });

  test('more zeros behind the end are padding', async () => {
    expect(await unpack(Buffer.concat([whole, Buffer.alloc(10_240 - whole.length)]))).toEqual(['a']);
  });
});
