// Which certificates are the same in every process? Keys made of their names, and signatures that nobody checks: a run of a
// seed must be the same on every machine, and ECDSA draws a nonce.
import { createECDH, createPrivateKey, createPublicKey, hash } from 'node:crypto';

import { parseCertificate, toPem, type Certificate } from '../../shared/identity/certificate.ts';
import { basic, craftDer, keyUsage, nameOf, type Crafted, type CraftWishes } from '../pki/crafted.ts';
import { tlv } from '../pki/der.ts';

export interface Paper {
  readonly certificate: Certificate;
  readonly der: Buffer;
  readonly pem: string;
  /** As revocation lists spell it. */
  readonly serial: string;
  readonly signs: Pick<Crafted, 'keys' | 'subject'>;
}

export interface PaperWishes {
  /** The subject's common name. */
  readonly name: string;
  /** Name of the key; the subject's unless told. */
  readonly key?: string;
  /** Self-issued, and an authority, unless told. */
  readonly issuer?: Paper;
}

const made = new Map<string, Paper>();

export function paper(wishes: PaperWishes): Paper {
  const place = JSON.stringify([wishes.name, wishes.key, wishes.issuer?.certificate.fingerprint]);
  const known = made.get(place) ?? write(wishes);
  made.set(place, known);
  return known;
}

function write({ name, key = name, issuer }: PaperWishes): Paper {
  const signs = { keys: keysOf(key), subject: nameOf(name) };
  const serial = `01${hash('sha256', `${name} ${key}`).slice(0, 30)}`;
  const extensions =
    issuer === undefined
      ? [basic(true), keyUsage('keyCertSign', 'cRLSign')]
      : [basic(false), keyUsage('digitalSignature')];
  const wishes: CraftWishes = {
    ...{ name, serial, extensions, issuer: issuer?.signs ?? signs },
    spki: signs.keys.publicKey.export({ format: 'der', type: 'spki' }),
  };
  const der = unsign(craftDer(wishes));
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') throw new Error(`paper: ${JSON.stringify(certificate.refusal)}`);
  return { certificate: certificate.value, der, pem: toPem(der.toString('base64')), serial, signs };
}

/** The signature, of another length each time, gives way to one that is always the same. */
function unsign(der: Buffer): Buffer {
  const [content, rest] = cut(der.subarray(headerOf(der)));
  const [algorithm] = cut(rest);
  return tlv(0x30, content, algorithm, tlv(0x03, Buffer.alloc(65)));
}

function cut(bytes: Buffer): readonly [first: Buffer, rest: Buffer] {
  const end = headerOf(bytes) + lengthOf(bytes);
  return [bytes.subarray(0, end), bytes.subarray(end)];
}

function headerOf(bytes: Buffer): number {
  const length = bytes[1] ?? 0;
  return length < 0x80 ? 2 : 2 + (length & 0x7f);
}

function lengthOf(bytes: Buffer): number {
  const header = headerOf(bytes);
  return header === 2 ? (bytes[1] ?? 0) : bytes.readUIntBE(2, header - 2);
}

function keysOf(name: string): Crafted['keys'] {
  const ecdh = createECDH('prime256v1');
  // The first byte stays below that of the group's order.
  const secret = hash('sha256', `paper ${name}`, 'buffer');
  secret[0] = (secret[0] ?? 0) & 0x7f;
  ecdh.setPrivateKey(secret);
  const point = ecdh.getPublicKey();
  const text = (part: Buffer) => part.toString('base64url');
  const key = { kty: 'EC', crv: 'P-256', d: text(secret), x: text(point.subarray(1, 33)), y: text(point.subarray(33)) };
  const privateKey = createPrivateKey({ format: 'jwk', key });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
