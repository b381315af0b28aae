// How does one write a certificate request in which anything may be wrong? Each field as its DER, signed as it then stands.
import { algorithmOf, keysOf, nameOf, signatureOf, spkiOf, type Digest, type Keys, type KeyKind } from './crafted.ts';
import { tlv } from './der.ts';

export interface RequestWishes {
  /** The subject's common name. */
  readonly name: string;
  readonly subject?: Buffer;
  /** Another name is another key. */
  readonly key?: string;
  readonly kind?: KeyKind;
  /** Of whoever signs; the key that the request names unless told. */
  readonly signedBy?: Keys;
  readonly spki?: Buffer;
  readonly attributes?: readonly Buffer[];
  readonly digest?: Digest;
  /** Changes the fields of the CertificationRequestInfo before they are signed: version, subject, key, attributes. */
  readonly change?: (fields: readonly Buffer[]) => readonly Buffer[];
  /** Changes algorithm and signature. */
  readonly changeOuter?: (fields: readonly Buffer[]) => readonly Buffer[];
}

/** DER of a PKCS #10 request (RFC 2986). */
export function craftRequest({ name, change = unchanged, changeOuter = unchanged, ...wishes }: RequestWishes): Buffer {
  const { kind = 'P-256', digest = 'sha256', attributes = [] } = wishes;
  const keys = keysOf(wishes.key ?? `key of ${name}`, kind);
  const { privateKey } = wishes.signedBy ?? keys;
  const fields = [
    tlv(0x02, Buffer.from([0])),
    wishes.subject ?? nameOf(name),
    wishes.spki ?? spkiOf(keys),
    tlv(0xa0, ...attributes),
  ];
  const content = tlv(0x30, ...change(fields));
  const outer = [content, algorithmOf(privateKey, digest), signatureOf(content, privateKey, digest)];
  return tlv(0x30, ...changeOuter(outer));
}

/** RFC 2985 5.4.2: what a request wishes its certificate to say. */
export function extensionRequest(...extensions: readonly Buffer[]): Buffer {
  return tlv(0x30, tlv(0x06, EXTENSION_REQUEST), tlv(0x31, tlv(0x30, ...extensions)));
}

function unchanged(fields: readonly Buffer[]): readonly Buffer[] {
  return fields;
}

/** 1.2.840.113549.1.9.14 */
const EXTENSION_REQUEST = Buffer.from('2a864886f70d01090e', 'hex');
