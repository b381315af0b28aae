// Which names stand in a subjectAltName? Each in its own syntax (RFC 5280 4.2.1.6), or none of them is believed.
import { childrenOf, onlyValue, SEQUENCE, type DerValue } from './der.ts';
import { readName, readOid, TAGS } from './der-values.ts';

/** Whether these are GeneralNames, at least one, each well formed. They are never an identity. */
export function areGeneralNames(value: DerValue | undefined, tag = SEQUENCE): boolean {
  const names = childrenOf(value, tag) ?? [];
  return names.length > 0 && names.every(isGeneralName);
}

function isGeneralName({ tag, content, whole }: DerValue): boolean {
  const text = Buffer.from(content).toString('latin1');
  if (tag === KINDS.email) return EMAIL.test(text);
  // RFC 1034 3.5: letters, digits and hyphens, no empty label; a wildcard only as the whole first label.
  if (tag === KINDS.host) return text.length <= LONGEST_HOST && HOST.test(text);
  if (tag === KINDS.uri) return URI.test(text);
  if (tag === KINDS.address) return content.length === 4 || content.length === 16;
  if (tag === KINDS.directory) return readName(onlyValue(content)) !== undefined;
  if (tag === KINDS.registered) return readOid({ tag: TAGS.oid, content, whole }) !== undefined;
  return tag === KINDS.other && isOtherName(childrenOf({ tag, content, whole }, tag));
}

function isOtherName([type, content, ...more]: readonly DerValue[] = []): boolean {
  return readOid(type) !== undefined && childrenOf(content, EXPLICIT)?.length === 1 && more.length === 0;
}

const KINDS = {
  other: 0xa0,
  email: 0x81,
  host: 0x82,
  directory: 0xa4,
  uri: 0x86,
  address: 0x87,
  registered: 0x88,
} as const;
const EXPLICIT = 0xa0;
const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/;
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const HOST = new RegExp(String.raw`^(?:\*\.)?${LABEL}(?:\.${LABEL})*$`);
const LONGEST_HOST = 253;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/;
