// How is a name written? Subjects of the profile: a device's one common name, and an authority's with its organization (RFC 5280 4.1.2.4).
import { childrenOf, onlyValue, SET, type DerValue } from '../identity/der.ts';
import { readOid } from '../identity/der-values.ts';
import { oid, printable, sequence, setOf, utf8 } from './der-writing.ts';

/** Without an owner it is a device's. */
export interface Name {
  readonly commonName: string;
  readonly owner?: string;
}

/** As UTF8String; the organization stands first, as the larger of the two. */
export function encodeName({ commonName, owner }: Name): Buffer {
  const organization = owner === undefined ? [] : [attribute(ORGANIZATION, utf8(owner))];
  return sequence(...organization, attribute(COMMON_NAME, utf8(commonName)));
}

/** The two ways in which a request may spell a device's name: PrintableString has no underscore (X.680 41.4). */
export function spellingsOf(device: string): readonly Buffer[] {
  const asUtf8 = encodeName({ commonName: device });
  return device.includes('_') ? [asUtf8] : [asUtf8, sequence(attribute(COMMON_NAME, printable(device)))];
}

/** What `encodeName` wrote; undefined for any other name. */
export function readName(bytes: Uint8Array): Name | undefined {
  const attributes = childrenOf(onlyValue(bytes))?.map(readAttribute) ?? [];
  const [first, second] = attributes;
  if (attributes.length === 1 && first?.type === COMMON_NAME) return { commonName: first.text };
  const named = attributes.length === 2 && first?.type === ORGANIZATION && second?.type === COMMON_NAME;
  return named ? { commonName: second.text, owner: first.text } : undefined;
}

function attribute(type: string, text: Buffer): Buffer {
  return setOf(sequence(oid(type), text));
}

function readAttribute(set: DerValue) {
  const [type, text] = childrenOf(childrenOf(set, SET)?.[0]) ?? [];
  return { type: readOid(type), text: Buffer.from(text?.content ?? []).toString('utf8') };
}

/** id-at is 2.5.4, in hex 5504. */
const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';
