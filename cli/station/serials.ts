// For which serial numbers are devices asked? From the command line, from a file, or counted: one of the three.
import { readFileSync } from 'node:fs';

import { plain, UsageError } from '../terminal.ts';

export interface SerialsAsked {
  readonly given: readonly string[];
  /** A file with one a line. */
  readonly serials?: string;
  readonly count?: string;
  readonly prefix?: string;
  readonly from?: string;
}

const DIGITS = 6;
const MOST = 10 ** DIGITS - 1;
const LONGEST_SHOWN = 128;

export function chooseSerials(asked: SerialsAsked): readonly string[] {
  const { given, serials, count, prefix, from } = asked;
  const ways = [given.length > 0, serials !== undefined, count !== undefined].filter(Boolean).length;
  if (ways !== 1) throw new UsageError('expected serial numbers, or --serials FILE, or --count N --prefix P');
  if (count === undefined && (prefix !== undefined || from !== undefined))
    throw new UsageError('--prefix and --from go with --count');
  const chosen = serials !== undefined ? readSerials(serials) : count !== undefined ? countSerials(asked) : given;
  return refuseDoubles(chosen);
}

/** A file may hold anything: what is no serial number is shown on one line, shortened, and steers no terminal. */
export function quoteSerial(text: string): string {
  return plain(JSON.stringify(text.slice(0, LONGEST_SHOWN)));
}

/** One a line, in any of the usual line ends; empty lines are left out. */
function readSerials(file: string): readonly string[] {
  const lines = readText(file)
    .split(/\r?\n/)
    .filter((line) => line !== '');
  if (lines.length === 0) throw new UsageError(`"${file}" holds no serial number`);
  return lines;
}

/** `P000001` and on: the same words name the same devices, so that a killed run is run again. */
function countSerials({ count, prefix, from = '1' }: SerialsAsked): readonly string[] {
  if (prefix === undefined) throw new UsageError('--count goes with --prefix');
  const first = parseNumber('--from', from);
  const last = first + parseNumber('--count', count ?? '') - 1;
  if (last > MOST) throw new UsageError(`expected numbers up to ${MOST}, got ${last}`);
  return Array.from({ length: last - first + 1 }, (_none, at) => prefix + String(first + at).padStart(DIGITS, '0'));
}

/** Given twice, a serial number would name two devices: somebody counted wrong, and nothing is made. */
function refuseDoubles(serials: readonly string[]): readonly string[] {
  const places = new Map<string, number>();
  for (const [index, serial] of serials.entries()) {
    const place = places.get(serial);
    if (place !== undefined)
      throw new UsageError(
        `serial ${quoteSerial(serial)} is given twice, as number ${place} and ${index + 1} of the list`,
      );
    places.set(serial, index + 1);
  }
  return serials;
}

function parseNumber(option: string, text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`${option} "${text}": expected a number from 1 to ${MOST}`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`cannot read "${file}": ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
}
