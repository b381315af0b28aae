// Which lines does a stream of bytes hold? In bounded memory: a line longer than any device needs is cut off.
export interface Line {
  /** Counts from 1, as editors do. */
  readonly number: number;
  readonly text: string;
  /** The line was longer than any device needs, and its end is missing. */
  readonly cut: boolean;
}

const LONGEST_LINE = 64 * 1024;
const NEWLINE = 0x0a;

/** Lines end with LF; a last line without one counts, an empty one at the end does not. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let number = 1;
  for await (const chunk of chunks) {
    let buffer = Buffer.concat([rest, chunk]);
    let end = buffer.indexOf(NEWLINE);
    while (end >= 0) {
      yield lineOf(number, buffer.subarray(0, end));
      number += 1;
      buffer = buffer.subarray(end + 1);
      end = buffer.indexOf(NEWLINE);
    }
    // A file without newlines must not fill the memory: one byte too many is enough to know that it is cut.
    rest = buffer.subarray(0, LONGEST_LINE + 1);
  }
  if (rest.length > 0) yield lineOf(number, rest);
}

function lineOf(number: number, bytes: Buffer): Line {
  return { number, text: bytes.toString('utf8', 0, LONGEST_LINE), cut: bytes.length > LONGEST_LINE };
}
