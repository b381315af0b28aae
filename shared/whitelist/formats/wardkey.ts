// Wardkey's own format: JSON lines, a header and then one line a device (README.md of the whitelist).
import { refused, type Outcome } from '../../outcome.ts';
import { parseManifestHeader, parseManifestLine, type ManifestHeader } from '../manifest.ts';
import { certifiedEntry, parseBase64Certificate } from './entry.ts';
import {
  malformed,
  type FormatContext,
  type ManifestEntry,
  type ManifestFormat,
  type NumberedEntry,
} from './format.ts';
import { readLines, type Line } from './lines.ts';

export const wardkey: ManifestFormat = {
  name: 'wardkey',
  signature: 'file',
  recognises: (fileName) => fileName.endsWith('.jsonl'),
  read,
};

/** The header alone, for who needs product, lot and count; reads no further than line 1. */
export async function readOpening(chunks: AsyncIterable<Uint8Array>): Promise<Outcome<ManifestHeader>> {
  for await (const line of readLines(chunks)) return parseHeader(line);
  return malformed(1, 'expected a header, got an empty file');
}

/** One line behind the header. */
export function readDeviceLine(line: Line, context: FormatContext): Outcome<ManifestEntry> {
  if (line.cut) return cutOff(line);
  const parsed = parseManifestLine(line.text, line.number);
  if (parsed.outcome === 'refused') return parsed;
  const { serial, certificate } = parsed.value;
  return certifiedEntry({ serial, certificate: parseBase64Certificate(certificate) }, context);
}

async function* read(chunks: AsyncIterable<Uint8Array>, context: FormatContext): AsyncGenerator<NumberedEntry> {
  let header: Outcome<ManifestHeader> = malformed(1, 'expected a header, got an empty file');
  let devices = 0;
  for await (const line of readLines(chunks)) {
    if (line.number > 1) {
      devices += 1;
      yield { line: line.number, entry: readDeviceLine(line, context) };
      continue;
    }
    header = checkManufacturer(parseHeader(line), context);
    if (header.outcome === 'refused') break;
  }
  if (header.outcome === 'refused') {
    yield { line: 1, entry: header };
    return;
  }
  const { count } = header.value;
  if (devices === count) return;
  yield { line: devices + 2, entry: refused({ reason: 'count-differs', expected: count, got: devices }) };
}

/** A signer speaks for its own manufacturer. */
function checkManufacturer(
  header: Outcome<ManifestHeader>,
  { manufacturer: expected }: FormatContext,
): Outcome<ManifestHeader> {
  if (header.outcome === 'refused' || header.value.manufacturer === expected) return header;
  return refused({ reason: 'manufacturer-differs', expected, got: header.value.manufacturer });
}

function parseHeader(line: Line): Outcome<ManifestHeader> {
  return line.cut ? cutOff(line) : parseManifestHeader(line.text);
}

// What was cut off may be what makes the line invalid.
function cutOff(line: Line) {
  return malformed(line.number, 'expected at most 64 KiB');
}
