// Espressif: a CSV of MAC address, common name and certificate, as its provisioning tools write it.
import { parsePemCertificate, type Certificate } from '../../identity/certificate.ts';
import { readCertificateFields } from '../../identity/der.ts';
import { refused, type Outcome } from '../../outcome.ts';
import { certifiedEntry } from './entry.ts';
import {
  malformed,
  type FormatContext,
  type ManifestEntry,
  type ManifestFormat,
  type NumberedEntry,
} from './format.ts';
import { readRows, type Row } from './rows.ts';

export const espressif: ManifestFormat = {
  name: 'espressif',
  signature: 'file',
  recognises: (fileName) => fileName.endsWith('.csv'),
  read,
};

async function* read(chunks: AsyncIterable<Uint8Array>, context: FormatContext): AsyncGenerator<NumberedEntry> {
  let header = false;
  for await (const row of readRows(chunks)) {
    if (row.number > 1) {
      yield { line: row.number, entry: readEntry(row, context) };
      continue;
    }
    header = row.fields.outcome === 'done' && isHeader(row.fields.value);
    if (!header) break;
  }
  if (!header) yield { line: 1, entry: malformed(1, `expected the header "${HEADER}"`) };
}

function isHeader(fields: readonly string[]): boolean {
  return fields.length === 3 && fields.join() === HEADER;
}

function readEntry({ number, fields }: Row, context: FormatContext): Outcome<ManifestEntry> {
  if (fields.outcome === 'refused') return fields;
  const [serial, name, pem, ...more] = fields.value;
  if (serial === undefined || name === undefined || pem === undefined || more.length > 0) {
    return malformed(number, 'expected 3 fields');
  }
  // One spelling: the same address in lower case would be another device (T020).
  if (!MAC.test(serial)) return refused({ reason: 'id-malformed', problem: 'expected a MAC address of 12 0-9 A-F' });
  const certificate = parsePemCertificate(pem);
  const named = certificate.outcome === 'done' ? checkName(certificate.value, name) : certificate;
  return certifiedEntry({ serial, certificate: named }, context);
}

/** Nothing in the certificate is the MAC address; the name ties the row to it at least. */
function checkName(certificate: Certificate, expected: string): Outcome<Certificate> {
  const name = readCertificateFields(certificate.x509.raw)?.commonName;
  if (name === expected) return { outcome: 'done', value: certificate };
  return refused({ reason: 'id-differs', expected, got: name ?? 'no single common name' });
}

const HEADER = 'MAC,cn,cert';
const MAC = /^[0-9A-F]{12}$/;
