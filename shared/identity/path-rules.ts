// May this certificate stand where it stands in a path? The rules of RFC 5280 6.1 that need no signature.
import { done, refused, type Outcome } from '../outcome.ts';
import { checkKey } from './acceptable-key.ts';
import type { Certificate } from './certificate.ts';
import { isEmptyName, type CertificateBody } from './certificate-body.ts';

/**
 * `device`: for TLS as a client, and says so. `chip`: the same, but one that does not name its purposes may be used for all
 * (RFC 5280 4.2.1.12), as genuine chips leave them out. `any`: the path only, in a profile as strict as RFC 5280 writes it.
 */
export type Usage = 'device' | 'chip' | 'any';

/** A certificate and what it says. */
export interface Link {
  readonly certificate: Certificate;
  readonly body: CertificateBody;
}

export interface Asked {
  readonly usage: Usage;
  /** Milliseconds since 1970, whole seconds. */
  readonly now: number;
}

export function checkLeaf(leaf: Link, { usage, now }: Asked): Outcome<Link> {
  const { certificate, body } = leaf;
  const key = checkKey(certificate);
  if (key.outcome === 'refused') return key;
  const content = checkContent(leaf, usage);
  if (content.outcome === 'refused') return content;
  const { notBefore, notAfter } = certificate;
  // RFC 5280 4.1.2.5: both ends are inside, and there is no allowance for wrong clocks (T029).
  if (!(now >= body.notBefore)) return refused({ reason: 'certificate-not-yet-valid', notBefore, now: toIso(now) });
  if (!(now <= body.notAfter)) return refused({ reason: 'certificate-expired', notAfter, now: toIso(now) });
  return usage === 'any' ? done(leaf) : checkPurpose(leaf, usage);
}

/** What the certificate may do: TLS as a client (T030), with signatures (T031). */
function checkPurpose(leaf: Link, usage: 'device' | 'chip'): Outcome<Link> {
  const { purposes, keyUsage } = leaf.body.extensions;
  const unrestricted = usage === 'chip' && purposes === undefined;
  if (!unrestricted && purposes?.includes(CLIENT_AUTH) !== true) return usageDiffers('clientAuth', purposes);
  return keyUsage?.has('digitalSignature') === true ? done(leaf) : usageDiffers('digitalSignature', keyUsage);
}

export interface Below {
  /** The certificates under this issuer, the leaf first. */
  readonly path: readonly Link[];
  readonly trusted: boolean;
}

/** Of an issuer whose key has signed the last certificate of the path below. An anchor has to keep its own rules. */
export function checkIssuer(issuer: Link, { path, trusted }: Below, { usage, now }: Asked): Outcome<Link> {
  const { certificate, body } = issuer;
  const { basic, keyUsage, purposes } = body.extensions;
  const { fingerprint } = certificate;
  // A certificate that does not say it is an authority is none, version 1 included (T026, CVE-2026-33896, CVE-2021-3450).
  if (basic?.authority !== true || keyUsage?.has('keyCertSign') === false)
    return refused({ reason: 'not-an-authority', fingerprint });
  const content = checkContent(issuer, usage, trusted);
  if (content.outcome === 'refused') return content;
  const between = path.slice(1).filter(({ body: { issuer: by, subject } }) => !sameBytes(by, subject)).length;
  // RFC 5280 4.2.1.9: authorities below it, self-issued ones and the leaf not counted (T027).
  const most = basic.pathLength ?? between;
  if (between > most) return refused({ reason: 'path-too-long', most, got: between });
  // An issuer that is itself bound to purposes cannot give others away.
  const bound = usage !== 'any' && purposes !== undefined;
  if (bound && !purposes.some((purpose) => purpose === CLIENT_AUTH || purpose === ANY_PURPOSE))
    return usageDiffers('clientAuth', purposes);
  return isCurrent(body, now) ? done(issuer) : notValid(certificate, now);
}

/** What holds for every certificate of a path. */
function checkContent(link: Link, usage: Usage, trusted = false): Outcome<Link> {
  const { certificate, body } = link;
  const certificateId = certificate.fingerprint;
  const { unknown: oid } = body.extensions;
  if (oid !== undefined) return refused({ reason: 'extension-unknown', oid, certificate: certificateId });
  const contradiction = contradictionIn(body) ?? (usage === 'any' ? omissionIn(body, trusted) : undefined);
  if (contradiction === undefined) return done(link);
  return refused({ reason: 'certificate-malformed', problem: `${certificateId.slice(0, 16)}: ${contradiction}` });
}

/** What no certificate may say, because readers would differ in what they believe. */
function contradictionIn({ subject, extensions }: CertificateBody): string | undefined {
  const { basic, keyUsage, alternativeName } = extensions;
  const [authority, signs] = [basic?.authority === true, keyUsage?.has('keyCertSign')];
  // RFC 5280 4.2.1.3: keyCertSign only with cA; 4.2.1.9: pathLenConstraint only with both.
  if (signs === true && !authority) return 'keyUsage says keyCertSign, basicConstraints does not say cA';
  if (basic?.pathLength !== undefined && (!authority || signs === false)) return 'pathLenConstraint of no authority';
  // RFC 5280 4.1.2.6: whoever has no subject is named by a critical subjectAltName; an authority always has one.
  if (isEmptyName(subject) && (authority || alternativeName !== 'critical')) return 'expected a subject';
  return undefined;
}

/**
 * What RFC 5280 asks of every issuer and genuine chips and their roots lack. It proves nothing: a key identifier is a hint,
 * and a mark `critical` is for readers that do not know the extension (4.2.1.1, .2, .3 and .9).
 */
function omissionIn({ issuer, subject, extensions }: CertificateBody, trusted: boolean): string | undefined {
  const { basic, keyUsage, keyId, issuerKeyId } = extensions;
  const authority = basic?.authority === true;
  if (authority && !basic.critical) return 'expected basicConstraints to be critical';
  if (authority && keyUsage === undefined) return 'expected a keyUsage';
  if (authority && keyId === undefined) return 'expected a subjectKeyIdentifier';
  // An anchor that names itself as its issuer needs none.
  const own = trusted && sameBytes(issuer, subject);
  return issuerKeyId === undefined && !own ? 'expected an authorityKeyIdentifier' : undefined;
}

function isCurrent({ notBefore, notAfter }: CertificateBody, now: number): boolean {
  return now >= notBefore && now <= notAfter;
}

function notValid({ fingerprint, notBefore, notAfter }: Certificate, now: number) {
  return refused({ reason: 'issuer-not-valid', issuer: fingerprint, notBefore, notAfter, now: toIso(now) });
}

function usageDiffers(expected: string, got: Iterable<string> = []) {
  const names = [...got].map((name) => PURPOSES.get(name) ?? name);
  return refused({ reason: 'usage-differs', expected, got: names.join(', ') || 'none' });
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

export function toIso(time: number): string {
  return Number.isNaN(time) ? 'unreadable' : new Date(time).toISOString();
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_PURPOSE = '2.5.29.37.0';
/** As people call them. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  [CLIENT_AUTH, 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  [ANY_PURPOSE, 'anyExtendedKeyUsage'],
]);
