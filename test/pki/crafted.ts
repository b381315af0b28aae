// How does one write a certificate in which anything may be wrong? Each field as its DER, signed as it then stands.
import { generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto';

import { parseCertificate, type Certificate } from '../../shared/identity/certificate.ts';
import { tlv } from './der.ts';

export type KeyKind = 'P-256' | 'P-384' | 'RSA';

export interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface Crafted {
  readonly der: Buffer;
  /** As the product reads it. */
  readonly certificate: Certificate;
  readonly keys: Keys;
  /** Name in DER. */
  readonly subject: Buffer;
}

export interface CraftWishes {
  /** The subject's common name, which is also the name of its key. */
  readonly name: string;
  /** Self-signed unless told. */
  readonly issuer?: Pick<Crafted, 'keys' | 'subject'>;
  readonly kind?: KeyKind;
  /** Another name is another key. */
  readonly key?: string;
  /** SubjectPublicKeyInfo. */
  readonly spki?: Buffer;
  readonly subject?: Buffer;
  /** Content of the INTEGER, in hex. */
  readonly serial?: string;
  /** ISO 8601, or the whole time in DER. */
  readonly notBefore?: string | Buffer;
  readonly notAfter?: string | Buffer;
  /** Those of an authority or of a device, unless told. */
  readonly extensions?: readonly Buffer[];
  readonly digest?: Digest;
  /** Changes the fields of the TBSCertificate before they are signed: version, serial, algorithm, and so on. */
  readonly change?: (fields: readonly Buffer[]) => readonly Buffer[];
  /** The outer AlgorithmIdentifier. */
  readonly outer?: Buffer;
}

export type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export function craftAuthority({
  name,
  pathLength,
  ...wishes
}: CraftWishes & { readonly pathLength?: number }): Crafted {
  const own = keysOf(wishes.key ?? name, wishes.kind);
  const ids = keyIds(own, wishes.issuer?.keys ?? own);
  const extensions = [basic(true, pathLength), keyUsage('keyCertSign', 'cRLSign'), ...ids];
  return craft({ name, extensions, ...wishes });
}

export function craftDevice({ name, ...wishes }: CraftWishes): Crafted {
  const own = keysOf(wishes.key ?? name, wishes.kind);
  const ids = keyIds(own, wishes.issuer?.keys ?? own);
  const extensions = [basic(false), keyUsage('digitalSignature'), purposes(CLIENT_AUTH), ...ids];
  return craft({ name, extensions, ...wishes });
}

export function craft(wishes: CraftWishes): Crafted {
  const der = craftDer(wishes);
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') throw new Error(`crafted: ${JSON.stringify(certificate.refusal)}`);
  const keys = keysOf(wishes.key ?? wishes.name, wishes.kind);
  return { der, certificate: certificate.value, keys, subject: wishes.subject ?? nameOf(wishes.name) };
}

/** The bytes alone, also where no parser takes them. */
export function craftDer(wishes: CraftWishes): Buffer {
  const { name, extensions = [], digest = 'sha256', change = unchanged } = wishes;
  const keys = keysOf(wishes.key ?? name, wishes.kind);
  const subject = wishes.subject ?? nameOf(name);
  const issuer = wishes.issuer ?? { keys, subject };
  const algorithm = algorithmOf(issuer.keys.privateKey, digest);
  const fields = change([
    VERSION_3,
    tlv(0x02, Buffer.from(wishes.serial ?? `01${hash('sha256', name).slice(0, 30)}`, 'hex')),
    algorithm,
    issuer.subject,
    tlv(0x30, timeOf(wishes.notBefore ?? '2026-01-01T00:00:00Z'), timeOf(wishes.notAfter ?? '2046-01-01T00:00:00Z')),
    subject,
    wishes.spki ?? spkiOf(keys),
    ...(extensions.length > 0 ? [tlv(0xa3, tlv(0x30, ...extensions))] : []),
  ]);
  const content = tlv(0x30, ...fields);
  return tlv(0x30, content, wishes.outer ?? algorithm, signatureOf(content, issuer.keys.privateKey, digest));
}

function unchanged(fields: readonly Buffer[]): readonly Buffer[] {
  return fields;
}

const made = new Map<string, Keys>();

/** The same name and kind is the same key, as long as the process lives. */
export function keysOf(name: string, kind: KeyKind = 'P-256'): Keys {
  const place = `${kind} ${name}`;
  const known = made.get(place);
  if (known !== undefined) return known;
  const fresh =
    kind === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: kind });
  made.set(place, fresh);
  return fresh;
}

export function signatureOf(content: Buffer, key: KeyObject, digest: Digest = 'sha256'): Buffer {
  return tlv(0x03, Buffer.from([0]), sign(digest, content, key));
}

export function algorithmOf(key: KeyObject, digest: Digest = 'sha256'): Buffer {
  return Buffer.from(ALGORITHMS[key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec'][digest], 'hex');
}

/** A name of one common name, as UTF8String. */
export function nameOf(commonName: string): Buffer {
  return tlv(0x30, tlv(0x31, tlv(0x30, Buffer.from('0603550403', 'hex'), tlv(0x0c, Buffer.from(commonName)))));
}

/** RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on. */
export function timeOf(time: string | Buffer): Buffer {
  if (typeof time !== 'string') return time;
  const digits = time.replaceAll(/[-:T]|\.\d+/g, '');
  const years = Number(digits.slice(0, 4));
  return years < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits));
}

/** `oid`: content in hex. */
export function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  const mark = critical ? [tlv(0x01, Buffer.from([0xff]))] : [];
  return tlv(0x30, tlv(0x06, Buffer.from(oid, 'hex')), ...mark, tlv(0x04, value));
}

export function basic(authority: boolean, pathLength?: number, critical = true): Buffer {
  const limit = pathLength === undefined ? [] : [tlv(0x02, Buffer.from([pathLength]))];
  return extension('551d13', tlv(0x30, ...(authority ? [tlv(0x01, Buffer.from([0xff]))] : []), ...limit), critical);
}

const BITS = { digitalSignature: 0, keyEncipherment: 2, keyAgreement: 4, keyCertSign: 5, cRLSign: 6 } as const;

export function keyUsage(...usages: readonly (keyof typeof BITS)[]): Buffer {
  const byte = usages.reduce((bits, usage) => bits | (0x80 >> BITS[usage]), 0);
  const unused = 7 - Math.max(...usages.map((usage) => BITS[usage]));
  return extension('551d0f', tlv(0x03, Buffer.from([unused, byte])), true);
}

export const CLIENT_AUTH = '2b06010505070302';
export const SERVER_AUTH = '2b06010505070301';
export const ANY_PURPOSE = '551d2500';

/** Content of object identifiers in hex. */
export function purposes(...oids: readonly string[]): Buffer {
  return extension('551d25', tlv(0x30, ...oids.map((oid) => tlv(0x06, Buffer.from(oid, 'hex')))));
}

/** subjectKeyIdentifier and authorityKeyIdentifier. */
export function keyIds(own: Keys, issuer: Keys): readonly Buffer[] {
  return [extension('551d0e', tlv(0x04, idOf(own))), extension('551d23', tlv(0x30, tlv(0x80, idOf(issuer))))];
}

export function spkiOf({ publicKey }: Keys): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' });
}

/** SubjectPublicKeyInfo of an RSA key of 1,024 bits. */
export function weakKey(): Buffer {
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.alloc(128, 0xd5)]);
  const key = tlv(0x30, tlv(0x02, modulus), tlv(0x02, Buffer.from('010001', 'hex')));
  const algorithm = tlv(0x30, tlv(0x06, Buffer.from('2a864886f70d010101', 'hex')), tlv(0x05));
  return tlv(0x30, algorithm, tlv(0x03, Buffer.from([0]), key));
}

function idOf(keys: Keys): Buffer {
  return Buffer.from(hash('sha256', spkiOf(keys)).slice(0, 40), 'hex');
}

const VERSION_3 = Buffer.from('a003020102', 'hex');
const ALGORITHMS = {
  ec: {
    sha1: '300906072a8648ce3d0401',
    sha256: '300a06082a8648ce3d040302',
    sha384: '300a06082a8648ce3d040303',
    sha512: '300a06082a8648ce3d040304',
  },
  rsa: {
    sha1: '300d06092a864886f70d0101050500',
    sha256: '300d06092a864886f70d01010b0500',
    sha384: '300d06092a864886f70d01010c0500',
    sha512: '300d06092a864886f70d01010d0500',
  },
} as const;
