// Which rows does a CSV file hold? RFC 4180, streaming, strict: what two readers could split differently is refused.
import { done, refused, type Outcome } from '../../outcome.ts';

export interface Row {
  /** Counts from 1 with the header, as spreadsheets do; a quoted field of many lines is still one row. */
  readonly number: number;
  readonly fields: Outcome<readonly string[]>;
}

/**
 * Rows end with LF or CRLF; a quoted field may hold both, and doubles its quotes. A row over 64 KiB is refused and passed
 * over; behind a quote in the wrong place nothing is sure, so that refusal is the last row.
 */
export async function* readRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  const reader = new RowReader();
  for await (const chunk of chunks) {
    yield* reader.take(chunk);
    if (reader.lost) return;
  }
  yield* reader.end();
}

type Place = 'start' | 'plain' | 'quoted' | 'after quote' | 'after return';

class RowReader {
  lost = false;
  private place: Place = 'start';
  private number = 1;
  private fields: string[] = [];
  private bytes = Buffer.alloc(LARGEST_ROW);
  /** Bytes of the field that is being read, and of the whole row so far. */
  private length = 0;
  private size = 0;

  *take(chunk: Uint8Array): Generator<Row> {
    for (const byte of chunk) {
      this.size += 1;
      const ended = this.step(byte);
      if (!this.lost && !ended) continue;
      yield this.finishRow();
      if (this.lost) return;
    }
  }

  /** A last row without a line end counts; an open quote does not end. */
  *end(): Generator<Row> {
    if (this.size === 0) return;
    if (this.place === 'quoted' || this.place === 'after return') this.lost = true;
    else this.finishField();
    yield this.finishRow();
  }

  /** True when the row has ended. */
  private step(byte: number): boolean {
    const { place } = this;
    if (place === 'quoted') {
      if (byte === QUOTE) this.place = 'after quote';
      else this.keep(byte);
      return false;
    }
    if (place === 'after quote' && byte === QUOTE) {
      this.place = 'quoted';
      this.keep(byte);
      return false;
    }
    return this.stepOutside(byte);
  }

  private stepOutside(byte: number): boolean {
    if (this.place === 'after return' && byte !== LF) this.lost = true;
    else if (byte === LF) return this.finishField();
    else if (byte === CR) this.place = 'after return';
    else if (byte === COMMA) this.finishField();
    else if (byte === QUOTE && this.place === 'start') this.place = 'quoted';
    else if (byte === QUOTE || this.place === 'after quote') this.lost = true;
    else {
      this.place = 'plain';
      this.keep(byte);
    }
    return false;
  }

  private keep(byte: number): void {
    // The bytes of a row that is too large are counted and not kept (T019).
    if (this.size <= LARGEST_ROW) this.bytes[this.length++] = byte;
  }

  private finishField(): true {
    if (this.fields.length <= MOST_FIELDS) this.fields.push(this.bytes.toString('utf8', 0, this.length));
    this.place = 'start';
    this.length = 0;
    return true;
  }

  private finishRow(): Row {
    const { number, fields, size, lost } = this;
    this.number += 1;
    [this.fields, this.size, this.length] = [[], 0, 0];
    if (lost) return { number, fields: broken(number, 'a quote or line end in the wrong place') };
    if (size > LARGEST_ROW) return { number, fields: broken(number, 'expected at most 64 KiB') };
    return { number, fields: done(fields) };
  }
}

function broken(line: number, problem: string) {
  return refused({ reason: 'manifest-malformed', line, problem });
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const CR = 0x0d;
const LF = 0x0a;
const LARGEST_ROW = 64 * 1024;
const MOST_FIELDS = 16;
