// Plain lists of certificates: base64 of PEM, one a line (`.txt`), or PEM blocks one behind the other (`.pem`).
import { parsePemCertificate, type Certificate } from '../../identity/certificate.ts';
import { done, refused, type Outcome } from '../../outcome.ts';
import { certifiedEntry } from './entry.ts';
import {
  malformed,
  type FormatContext,
  type ManifestEntry,
  type ManifestFormat,
  type NumberedEntry,
} from './format.ts';
import { readLines } from './lines.ts';

export const certificateLines: ManifestFormat = {
  name: 'certificate-lines',
  signature: 'file',
  recognises: (fileName) => fileName.endsWith('.txt'),
  read: readBase64Lines,
};

export const certificateBlocks: ManifestFormat = {
  name: 'certificate-blocks',
  signature: 'file',
  recognises: (fileName) => fileName.endsWith('.pem'),
  read: readBlocks,
};

async function* readBase64Lines(
  chunks: AsyncIterable<Uint8Array>,
  context: FormatContext,
): AsyncGenerator<NumberedEntry> {
  for await (const { number: line, text, cut } of readLines(chunks)) {
    const encoded = text.replace(/\r$/, '');
    const pem = Buffer.from(encoded, 'base64');
    // What a lenient reader leaves out, another one may read.
    const whole = !cut && encoded !== '' && pem.toString('base64') === encoded;
    yield { line, entry: whole ? readPem(pem.toString('latin1'), context) : malformed(line, 'expected base64 of PEM') };
  }
}

/** A block is counted by the line it begins on. */
async function* readBlocks(chunks: AsyncIterable<Uint8Array>, context: FormatContext): AsyncGenerator<NumberedEntry> {
  for await (const { line, pem } of splitBlocks(chunks)) {
    yield { line, entry: pem.outcome === 'refused' ? pem : readPem(pem.value, context) };
  }
}

/** A refusal is the last: behind it nobody knows where the next block begins. */
async function* splitBlocks(chunks: AsyncIterable<Uint8Array>) {
  let block: string[] = [];
  let size = 0;
  let line = 0;
  for await (const { number, text } of readLines(chunks)) {
    const plain = text.trimEnd();
    if (block.length === 0 && plain === '') continue;
    if (block.length === 0) line = number;
    size += text.length;
    const problem = problemOf(plain, { first: block.length === 0, size });
    if (problem !== undefined) {
      yield { line, pem: malformed(line, problem) };
      return;
    }
    block.push(plain);
    if (plain !== END) continue;
    yield { line, pem: done(block.join('\n')) };
    [block, size] = [[], 0];
  }
  if (block.length > 0) yield { line, pem: malformed(line, UNENDED) };
}

/** Text between blocks is a note to people, and no device; a block inside a block would be swallowed. */
function problemOf(line: string, { first, size }: { readonly first: boolean; readonly size: number }) {
  if (first && line !== BEGIN) return `expected "${BEGIN}"`;
  if (!first && line === BEGIN) return UNENDED;
  return size > LARGEST_BLOCK ? 'expected at most 32 KiB a block' : undefined;
}

function readPem(pem: string, context: FormatContext): Outcome<ManifestEntry> {
  const certificate = parsePemCertificate(pem);
  if (certificate.outcome === 'refused') return certificate;
  const serial = serialOf(certificate.value);
  if (serial === undefined) return refused({ reason: 'id-malformed', problem: 'expected a positive serial number' });
  return certifiedEntry({ serial, certificate }, context);
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets (T036). */
function serialOf({ x509 }: Certificate): string | undefined {
  const serial = x509.serialNumber.toLowerCase();
  return /^[0-9a-f]{1,40}$/.test(serial) && /[^0]/.test(serial) ? serial : undefined;
}

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
const UNENDED = 'the block does not end';
const LARGEST_BLOCK = 32 * 1024;
