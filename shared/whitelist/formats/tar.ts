// Which files does this tar hold? POSIX ustar, streaming, strict: small plain files under harmless names, and nothing else.
import { done, refused, type Outcome } from '../../outcome.ts';

export interface ArchivedFile {
  /** Relative, parts joined by `/`, without `.` and `..`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** A refusal is the last: an archive with one unsafe member is none to read on in. */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Outcome<ArchivedFile>> {
  const source = new Blocks(chunks);
  for (;;) {
    const header = await source.read(BLOCK);
    if (header === undefined) {
      yield unsafe('the archive does not end');
      return;
    }
    if (isZero(header)) break;
    const member = parseHeader(header);
    if (member.outcome === 'refused') {
      yield member;
      return;
    }
    const { name, size, folder } = member.value;
    const bytes = await source.read(Math.ceil(size / BLOCK) * BLOCK);
    if (bytes === undefined) {
      yield unsafe(`"${name}": cut off`);
      return;
    }
    if (!folder) yield done({ name, bytes: Buffer.from(bytes.subarray(0, size)) });
  }
  // Two blocks of zeros end an archive; another archive behind them is read by some readers and not by others.
  const second = await source.read(BLOCK);
  if (second === undefined || !isZero(second)) {
    yield unsafe('expected two blocks of zeros at the end');
    return;
  }
  for (let rest = await source.read(BLOCK); rest !== undefined; rest = await source.read(BLOCK)) {
    if (isZero(rest)) continue;
    yield unsafe('expected nothing behind the end');
    return;
  }
}

/** One member in ustar form, for a folder that is read as if it were packed. */
export function tarMember({ name, bytes }: ArchivedFile): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0'.padEnd(24, '0000000\0'), 100, 'latin1');
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

export const TAR_END = Buffer.alloc(1024);

interface Member {
  readonly name: string;
  readonly size: number;
  readonly folder: boolean;
}

/** Field positions: POSIX.1-2017 pax, "ustar Interchange Format". */
function parseHeader(header: Buffer): Outcome<Member> {
  const posix = header.toString('latin1', 257, 265) === 'ustar\x0000';
  const gnu = header.toString('latin1', 257, 265) === 'ustar  \0';
  if (!posix && !gnu) return unsafe('expected ustar headers');
  if (octal(header, 148, 8) !== sumOf(header)) return unsafe('a checksum of a header does not fit');
  const prefix = posix ? text(header, 345, 155) : '';
  const name = prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`;
  const [type, size] = [header.toString('latin1', 156, 157), octal(header, 124, 12)];
  const folder = type === '5';
  // Links, devices and headers that rename the next member lead somewhere else (T019).
  if (!folder && type !== '0' && type !== '\0') return unsafe(`"${printable(name)}": expected a plain file`);
  const harmless = harmlessName(folder ? name.replace(/\/$/, '') : name);
  if (harmless === undefined) return unsafe(`"${printable(name)}": expected a relative name inside the archive`);
  if (size === undefined || size > (folder ? 0 : LARGEST_FILE)) return unsafe(`"${harmless}": expected at most 64 KiB`);
  return done({ name: harmless, size, folder });
}

/** Undefined for a name that leaves the folder, or that two systems read differently (T019). */
function harmlessName(name: string): string | undefined {
  const plain = name.replace(/^\.\//, '');
  if (plain === '.' || plain === '') return name.startsWith('.') ? '.' : undefined;
  const parts = plain.split('/');
  return parts.every((part) => PART.test(part) && part !== '.' && part !== '..') ? plain : undefined;
}

/** Bytes of a stream in pieces of the size asked for. */
class Blocks {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private rest = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined when the stream ends before. */
  async read(size: number): Promise<Buffer | undefined> {
    const parts = [this.rest];
    let have = this.rest.length;
    while (have < size) {
      const next = await this.chunks.next();
      if (next.done === true) return undefined;
      parts.push(Buffer.from(next.value));
      have += next.value.length;
    }
    const all = parts.length === 1 ? this.rest : Buffer.concat(parts);
    this.rest = all.subarray(size);
    return all.subarray(0, size);
  }
}

/** The sum of all bytes with the checksum's own eight taken as spaces. */
function sumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  return sum;
}

function text(header: Buffer, start: number, length: number): string {
  return header.toString('latin1', start, start + length).replace(/\0+$/, '');
}

function octal(header: Buffer, start: number, length: number): number | undefined {
  const digits = /^([0-7]+)[ \0]*$/.exec(header.toString('latin1', start, start + length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?');
}

function unsafe(problem: string) {
  return refused({ reason: 'archive-unsafe', problem });
}

const BLOCK = 512;
const LARGEST_FILE = 64 * 1024;
const PART = /^[A-Za-z0-9._ -]{1,100}$/;
