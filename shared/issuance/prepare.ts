// What will be signed? Each function makes the exact bytes of one kind of certificate from values that were checked, and the
// proof that they are of the profile: nothing else is ever given to a signing key (blueprint step 4).
import { hash } from 'node:crypto';

import { parseDeviceId } from '../identity/device-id.ts';
import { isOwnerId } from '../identity/owner-id.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import type { SigningAlgorithm } from '../ports.ts';
import type { CertificateRequest } from './certificate-request.ts';
import type { Issuer } from './issuer.ts';
import { encodeName, type Name } from './name.ts';
import { encodeCertificate, keyIdOf, type CertificateKind } from './profile.ts';
import { readSigningKey } from '../signing/signing-key.ts';
import { checkCrlUrl, readLife, serialOf, toIso, type Terms } from './terms.ts';

declare const proof: unique symbol;

/** Proof that these bytes are a certificate of the profile, for this key to sign. Never stored: `restorePrepared` makes it again. */
export interface PreparedCertificate {
  readonly kind: CertificateKind;
  /** TBSCertificate in DER. */
  readonly tbs: Uint8Array;
  /** Lower-case hex of 16 bytes. */
  readonly serial: string;
  /** A device's id, or the name of an authority or a delivery key. */
  readonly commonName: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Lower-case hex SHA-256 of the certified SubjectPublicKeyInfo. */
  readonly keyFingerprint: string;
  /** Who has to sign: SubjectPublicKeyInfo in DER, and the algorithm of that key. */
  readonly signer: Uint8Array;
  readonly algorithm: SigningAlgorithm;
  readonly [proof]: 'PreparedCertificate';
}

export interface OperationalOrder extends Terms {
  readonly request: CertificateRequest;
  readonly issuer: Issuer;
  readonly crlUrl: string;
}

/** For a device that has proved its key: of the request, nothing but the key and the device is used (T084). */
export function prepareOperational({ request, ...order }: OperationalOrder): Outcome<PreparedCertificate> {
  const { device, publicKey } = request;
  return prepare({ ...order, kind: 'operational', subject: { commonName: device }, publicKey });
}

export interface OwnersOrder extends Terms {
  /** SubjectPublicKeyInfo in DER, of a key that signers have. */
  readonly publicKey: Uint8Array;
  /** Owner id. */
  readonly owner: string;
}

export interface RootOrder extends OwnersOrder {
  readonly name: string;
}

/** An owner's root, which signs itself. */
export function prepareRoot({ name, owner, ...order }: RootOrder): Outcome<PreparedCertificate> {
  return prepareForOwner({ ...order, kind: 'root', subject: { commonName: name, owner } });
}

export interface IssuingOrder extends RootOrder {
  readonly issuer: Issuer;
  readonly crlUrl?: string;
}

/** The authority that issues to devices: nothing but leaves stands below it. */
export function prepareIssuing({ name, owner, ...order }: IssuingOrder): Outcome<PreparedCertificate> {
  return prepareForOwner({ ...order, kind: 'issuing', subject: { commonName: name, owner } });
}

export interface DeliveryOrder extends OwnersOrder {
  readonly issuer: Issuer;
  readonly crlUrl: string;
}

/** The key with which an owner's data keys are delivered: P-256, the curve of their HPKE. */
export function prepareDelivery({ owner, ...order }: DeliveryOrder): Outcome<PreparedCertificate> {
  return prepareForOwner({ ...order, kind: 'delivery', subject: { commonName: deliveryName(owner), owner } });
}

export interface Order extends Terms {
  readonly kind: CertificateKind;
  readonly subject: Name;
  readonly publicKey: Uint8Array;
  /** A root has none. */
  readonly issuer?: Issuer | undefined;
  readonly crlUrl?: string | undefined;
}

function prepareForOwner(order: Order): Outcome<PreparedCertificate> {
  const { kind, publicKey, subject } = order;
  const algorithm = readSigningKey(publicKey)?.algorithm;
  if (algorithm === undefined) return refused({ reason: 'key-unsupported', key: 'none that a signer has' });
  if (kind === 'delivery' && algorithm !== 'ES256') return refused({ reason: 'key-unsupported', key: algorithm });
  // RFC 5280 4.2.1.9: nobody would accept what it issues (T027).
  if (kind === 'issuing' && order.issuer?.pathLength === 0)
    return refused({ reason: 'path-too-long', most: 0, got: 1 });
  if (!isOwnerId(subject.owner ?? '')) return malformed('owner: expected an owner id');
  if (!NAME.test(subject.commonName)) return malformed('name: expected 1 to 64 plain characters');
  const name = encodeName(subject);
  // It would look self-issued, and a reader that goes by names would find the wrong one of the two.
  if (order.issuer !== undefined && name.equals(order.issuer.name))
    return malformed('name: expected another one than its issuer’s');
  return prepare(order, { algorithm, publicKey, name, keyId: keyIdOf(publicKey) });
}

/** What a certificate says of whoever signs it. */
type Signer = Pick<Issuer, 'algorithm' | 'publicKey' | 'name' | 'keyId'>;

/** `itself`: what a root says of its signer, which no other certificate may be. */
function prepare(order: Order, itself?: Signer): Outcome<PreparedCertificate> {
  const { kind, subject, publicKey, issuer, crlUrl } = order;
  const signer = issuer ?? itself;
  if (signer === undefined || (issuer === undefined) !== (kind === 'root'))
    return malformed('issuer: expected one, but for a root');
  const life = readLife(order, kind, issuer?.certificate.notAfter);
  if (life.outcome === 'refused') return life;
  const url = checkPlace(kind, crlUrl);
  if (url.outcome === 'refused') return url;
  const serial = serialOf(order.serial);
  const { algorithm, name: issuerName, keyId: issuerKeyId } = signer;
  const own = { kind, serial, subject, publicKey, crlUrl, ...life.value };
  const tbs = encodeCertificate({ ...own, algorithm, issuerName, issuerKeyId });
  return done({
    kind,
    tbs,
    serial: serial.toString('hex'),
    commonName: subject.commonName,
    notBefore: toIso(life.value.notBefore),
    notAfter: toIso(life.value.notAfter),
    keyFingerprint: hash('sha256', publicKey),
    signer: signer.publicKey,
    algorithm,
  } as unknown as PreparedCertificate);
}

/** For `restorePrepared` alone: values that were read from stored bytes are allowed nothing that would have been refused at first. */
export function prepareAgain({ kind, subject, ...order }: Order): Outcome<PreparedCertificate> {
  const { commonName, owner } = subject;
  if (kind === 'operational') return repeatOperational({ kind, subject, ...order });
  if (owner === undefined) return malformed('owner: expected an owner id');
  if (kind === 'delivery' && commonName !== deliveryName(owner))
    return malformed('name: expected the one of a delivery key');
  return prepareForOwner({ kind, subject, ...order });
}

/** The request was checked when the bytes were made, and its key once more when they were read. */
function repeatOperational(order: Order): Outcome<PreparedCertificate> {
  const { commonName, owner } = order.subject;
  const device = parseDeviceId(commonName);
  if (device.outcome === 'refused' || owner !== undefined)
    return malformed('subject: expected the id of a device alone');
  return prepare(order);
}

/** A root is trusted by name and taken back by nobody; whoever stands below an issuing CA can be asked about. */
function checkPlace(kind: CertificateKind, crlUrl: string | undefined): Outcome<string | undefined> {
  if (crlUrl !== undefined)
    return kind === 'root' ? malformed('crlUrl: expected none for a root') : checkCrlUrl(crlUrl);
  return kind === 'root' || kind === 'issuing' ? done(undefined) : malformed('crlUrl: expected one');
}

function deliveryName(owner: string): string {
  return `delivery of ${owner}`;
}

function malformed(problem: string) {
  return refused({ reason: 'request-malformed', problem });
}

/** Neither control characters nor spaces at the ends: people read it on a screen and type it. RFC 5280 A.1: at most 64. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9 .,()_-]{0,62}[A-Za-z0-9.)])?$/;
