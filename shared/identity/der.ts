// What do these bytes say in DER? A strict reader of tag, length, value, and two places of a certificate that others need.

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
}

/** The values that fill these bytes exactly; undefined when they do not, or when a length is not in its shortest form. */
export function readDer(bytes: Uint8Array): readonly DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const value = readFirst(rest);
    if (value === undefined) return undefined;
    values.push(value);
    rest = rest.subarray(value.whole.length);
  }
  return values;
}

export interface CertificateFields {
  /** SubjectPublicKeyInfo, as it stands in the certificate. */
  readonly key: Uint8Array;
  /** The one commonName of the subject; undefined when there is none, or more than one could be meant (T034). */
  readonly commonName: string | undefined;
}

/** RFC 5280 4.1: subject and key of a certificate; undefined when they are not where they belong. */
export function readCertificateFields(certificate: Uint8Array): CertificateFields | undefined {
  const body = childrenOf(childrenOf(onlyValue(certificate))?.[0]);
  // version is [0] EXPLICIT and may be missing; then serial, algorithm, issuer, validity, subject, key.
  const first = body?.[0]?.tag === VERSION ? 1 : 0;
  const [subject, key] = [body?.[first + 4], body?.[first + 5]];
  if (subject === undefined || key?.tag !== SEQUENCE) return undefined;
  return { key: key.whole, commonName: commonNameOf(subject) };
}

/** Read from the structure: the subject as one line of text can be made to say anything (T034). */
function commonNameOf(subject: DerValue): string | undefined {
  const names: (string | undefined)[] = [];
  for (const set of childrenOf(subject) ?? []) {
    const attributes = childrenOf(set, SET) ?? [];
    for (const attribute of attributes) {
      const [type, value] = childrenOf(attribute) ?? [];
      if (type === undefined || !Buffer.from(type.whole).equals(COMMON_NAME)) continue;
      names.push(attributes.length === 1 ? textOf(value) : undefined);
    }
  }
  return names.length === 1 ? names[0] : undefined;
}

function textOf(value: DerValue | undefined): string | undefined {
  if (value?.tag !== UTF8_STRING && value?.tag !== PRINTABLE_STRING) return undefined;
  const text = Buffer.from(value.content).toString('utf8');
  return Buffer.from(text, 'utf8').equals(value.content) ? text : undefined;
}

/** The one value that fills these bytes; undefined when there is none, more, or something behind it. */
export function onlyValue(bytes: Uint8Array): DerValue | undefined {
  const values = readDer(bytes);
  return values?.length === 1 ? values[0] : undefined;
}

/** What stands in a constructed value of this tag; undefined for another tag, or for content that is no DER. */
export function childrenOf(value: DerValue | undefined, tag = SEQUENCE): readonly DerValue[] | undefined {
  return value?.tag === tag ? readDer(value.content) : undefined;
}

function readFirst(bytes: Uint8Array): DerValue | undefined {
  const [tag = 0, first] = bytes;
  // Tags of more than one byte stand in no certificate.
  if (first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  // 0x80 alone is BER's indefinite length.
  if (first === 0x80 || lengthBytes > 3 || bytes.length < 2 + lengthBytes) return undefined;
  let length = lengthBytes === 0 ? first : 0;
  for (const byte of bytes.subarray(2, 2 + lengthBytes)) length = length * 256 + byte;
  if (lengthBytes > 0 && (length < 0x80 || length < 256 ** (lengthBytes - 1))) return undefined;
  const start = 2 + lengthBytes;
  if (bytes.length < start + length) return undefined;
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) };
}

export const SEQUENCE = 0x30;
export const SET = 0x31;
const VERSION = 0xa0;
const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
/** OBJECT IDENTIFIER 2.5.4.3 */
const COMMON_NAME = Buffer.from('0603550403', 'hex');
