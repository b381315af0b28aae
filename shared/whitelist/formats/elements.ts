// Which elements does a JSON array in a stream of bytes hold? One at a time, each bounded; the array is never in memory.
import { done, refused, type Outcome } from '../../outcome.ts';

export interface Element {
  /** Counts from 1. */
  readonly number: number;
  /** The bytes of one object, not yet parsed. */
  readonly text: Outcome<string>;
}

/**
 * Objects only. One that is too large or nests too deep is refused and passed over; where the array itself is broken the
 * refusal is the last element.
 */
export async function* readElements(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Element> {
  const splitter = new Splitter();
  for await (const chunk of chunks) {
    yield* splitter.split(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (splitter.place === 'broken') return;
  }
  const { place, number } = splitter;
  if (place !== 'behind') yield { number: number + 1, text: broken(number + 1, 'the array does not end') };
}

/** Where the next byte stands; `first` and `next` are before an element, `after` behind one. */
type Place = 'before' | 'first' | 'next' | 'inside' | 'after' | 'behind' | 'broken';

class Splitter {
  place: Place = 'before';
  /** Elements begun so far. */
  number = 0;
  private depth = 0;
  private deepest = 0;
  private inString = false;
  private escaped = false;
  private parts: Buffer[] = [];
  private size = 0;

  *split(chunk: Buffer): Generator<Element> {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (this.place === 'inside') {
        at = this.passInside(chunk, at);
        if (this.depth > 0) continue;
        this.keep(chunk.subarray(start, at + 1));
        yield this.finish();
        continue;
      }
      const place = this.stepOutside(chunk[at] ?? 0);
      if (place === 'broken') {
        yield { number: this.number + 1, text: broken(this.number + 1, 'expected an array of objects') };
        return;
      }
      if (place === 'inside') start = at;
    }
    if (this.place === 'inside') this.keep(chunk.subarray(start));
  }

  /** The byte here belongs to an element; answers the last byte that needs no further look. */
  private passInside(chunk: Buffer, at: number): number {
    const byte = chunk[at];
    if (this.escaped) this.escaped = false;
    else if (this.inString) {
      if (byte === BACKSLASH) this.escaped = true;
      else if (byte === QUOTE) this.inString = false;
      else return endOfPlain(chunk, at);
    } else if (byte === QUOTE) this.inString = true;
    else if (byte === BRACE || byte === BRACKET) this.deepest = Math.max(this.deepest, (this.depth += 1));
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) this.depth -= 1;
    return at;
  }

  private stepOutside(byte: number): Place {
    if (WHITE_SPACE.has(byte)) return this.place;
    const next = NEXT[this.place]?.[byte] ?? 'broken';
    this.place = next;
    if (next === 'inside') {
      this.number += 1;
      [this.depth, this.deepest, this.size, this.parts] = [1, 1, 0, []];
    }
    return next;
  }

  private keep(bytes: Buffer): void {
    this.size += bytes.length;
    // One byte too many is enough to know: what is passed over must not fill the memory (T019).
    if (this.size > LARGEST_ELEMENT) this.parts = [];
    else this.parts.push(bytes);
  }

  private finish(): Element {
    const { number, size, deepest, parts } = this;
    this.place = 'after';
    this.parts = [];
    if (size > LARGEST_ELEMENT) return { number, text: broken(number, 'expected at most 256 KiB') };
    if (deepest > DEEPEST) return { number, text: broken(number, `expected at most ${DEEPEST} levels`) };
    return { number, text: decode(number, Buffer.concat(parts)) };
  }
}

/** The last byte before a quote or backslash, or before the chunk ends. */
function endOfPlain(chunk: Buffer, at: number): number {
  let end = at + 1;
  while (end < chunk.length && chunk[end] !== QUOTE && chunk[end] !== BACKSLASH) end += 1;
  return end - 1;
}

function decode(number: number, bytes: Buffer): Outcome<string> {
  try {
    return done(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return broken(number, 'expected UTF-8');
  }
}

function broken(line: number, problem: string) {
  return refused({ reason: 'manifest-malformed', line, problem });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const CLOSING_BRACE = 0x7d;
const CLOSING_BRACKET = 0x5d;
const COMMA = 0x2c;
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const LARGEST_ELEMENT = 256 * 1024;
const DEEPEST = 32;

/** Outside of elements; any other byte breaks the array. */
const NEXT: Partial<Record<Place, Readonly<Record<number, Place>>>> = {
  before: { [BRACKET]: 'first' },
  first: { [BRACE]: 'inside', [CLOSING_BRACKET]: 'behind' },
  next: { [BRACE]: 'inside' },
  after: { [COMMA]: 'next', [CLOSING_BRACKET]: 'behind' },
  behind: {},
};
