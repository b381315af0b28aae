// What stands in a file that somebody named? A file that cannot be read, or is of another kind, is a slip of the hand.
import { readFileSync } from 'node:fs';

import { UsageError } from './terminal.ts';

export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new UsageError(`cannot read "${file}"`, { cause });
  }
}

export function readText(file: string): string {
  return readBytes(file).toString('utf8');
}

/** DER of one certificate revocation list, from DER as it is or from PEM (RFC 7468 6). */
export function readRevocationList(file: string): Buffer {
  const bytes = readBytes(file);
  const body = CRL_PEM.exec(bytes.toString('latin1'))?.[1];
  if (body !== undefined) return Buffer.from(body, 'base64');
  if (bytes[0] === DER_SEQUENCE) return bytes;
  throw new UsageError(`"${file}": expected one revocation list, PEM or DER`);
}

const CRL_PEM = /^\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*$/;
const DER_SEQUENCE = 0x30;
