// What does this certificate say? Bytes become a typed value once; its subject is never used as an identity.
import { hash, X509Certificate } from 'node:crypto';

import { done, refused, type Outcome } from '../outcome.ts';

export interface Certificate {
  /** Lower-case hex SHA-256 of the DER; AWS IoT Core calls the same value certificateId. */
  readonly fingerprint: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Lower-case hex SHA-256 of the SubjectPublicKeyInfo DER. */
  readonly keyFingerprint: string;
  /** RFC 5280 4.2.1.9: basicConstraints says cA. */
  readonly isAuthority: boolean;
  readonly x509: X509Certificate;
}

const LARGEST_DER = 16 * 1024;

/** Reads one DER certificate; refuses what is no certificate, is larger than 16 KiB or carries bytes after it. */
export function parseCertificate(der: Uint8Array): Outcome<Certificate> {
  if (der.length > LARGEST_DER) return malformed(`expected at most ${LARGEST_DER} bytes, got ${der.length}`);
  const read = readX509(der);
  if (read === undefined) return malformed('expected one DER-encoded X.509 certificate');
  const { x509, key, notBefore, notAfter } = read;
  // A second value behind the certificate would change the fingerprint of the same certificate.
  if (!x509.raw.equals(der)) return malformed('expected canonical DER with nothing behind it');
  return done({
    fingerprint: hash('sha256', x509.raw),
    notBefore,
    notAfter,
    keyFingerprint: hash('sha256', key),
    isAuthority: x509.ca,
    x509,
  });
}

/** The same from text: PEM, one certificate. */
export function parsePemCertificate(pem: string): Outcome<Certificate> {
  const body = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(pem)?.[1];
  if (body === undefined) return malformed('expected one PEM block labelled CERTIFICATE');
  return parseCertificate(Buffer.from(body, 'base64'));
}

/** PEM, one certificate behind the other: at least one, and nothing between them but empty lines. */
export function parsePemCertificates(pem: string): Outcome<readonly Certificate[]> {
  const certificates: Certificate[] = [];
  for (const block of pem.trim().split(/(?<=-----END CERTIFICATE-----)\s*\n/)) {
    const certificate = parsePemCertificate(block);
    if (certificate.outcome === 'refused') return certificate;
    certificates.push(certificate.value);
  }
  return done(certificates);
}

/** RFC 7468, from base64 DER. */
export function toPem(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/**
 * Whatever of it may throw: a date that is none, or a key that OpenSSL cannot write again, such as the point at infinity
 * (T017). A certificate of a stranger must not make a fault that is tried again and again.
 */
function readX509(der: Uint8Array) {
  try {
    const x509 = new X509Certificate(der);
    if (x509.publicKey.asymmetricKeyType === undefined) return undefined;
    const key = x509.publicKey.export({ format: 'der', type: 'spki' });
    return { x509, key, notBefore: x509.validFromDate.toISOString(), notAfter: x509.validToDate.toISOString() };
  } catch {
    return undefined;
  }
}

function malformed(problem: string) {
  return refused({ reason: 'certificate-malformed', problem });
}
