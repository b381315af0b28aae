// May this certificate issue others, and how does what it issues name it? Read once, for all that it issues.
import type { Certificate } from '../identity/certificate.ts';
import { readBody } from '../identity/certificate-body.ts';
import { readCertificateFields } from '../identity/der.ts';
import { done, refused, type Outcome } from '../outcome.ts';
import type { SigningAlgorithm } from '../ports.ts';
import { readSigningKey } from '../signing/signing-key.ts';

declare const proof: unique symbol;

/** Proof that a certificate is an authority's, with a key that signers have. Whether a path leads to it is asked elsewhere. */
export interface Issuer {
  readonly certificate: Certificate;
  /** Of its key. */
  readonly algorithm: SigningAlgorithm;
  /** SubjectPublicKeyInfo in DER: whoever signs for it has this key. */
  readonly publicKey: Uint8Array;
  /** Its subject in DER, byte for byte. */
  readonly name: Uint8Array;
  /** Its subjectKeyIdentifier. */
  readonly keyId: Uint8Array;
  /** Authorities that may stand below it; undefined: any number. */
  readonly pathLength: number | undefined;
  /** Whether it may sign revocation lists. */
  readonly signsLists: boolean;
  readonly [proof]: 'Issuer';
}

export function readIssuer(certificate: Certificate): Outcome<Issuer> {
  const body = readBody(certificate);
  if (body.outcome === 'refused') return body;
  const { fingerprint } = certificate;
  const { basic, keyUsage, keyId, unknown } = body.value.extensions;
  // RFC 5280 4.2.1.3 and .9: both say so, or it is none (T026).
  if (basic?.authority !== true || keyUsage?.has('keyCertSign') !== true)
    return refused({ reason: 'not-an-authority', fingerprint });
  // A rule for what it issues that nobody here would keep (T028, T032).
  if (unknown !== undefined) return refused({ reason: 'extension-unknown', oid: unknown, certificate: fingerprint });
  if (keyId === undefined) return malformed(certificate, 'expected a subjectKeyIdentifier');
  const publicKey = readCertificateFields(certificate.x509.raw)?.key ?? new Uint8Array();
  const algorithm = readSigningKey(publicKey)?.algorithm;
  if (algorithm === undefined) return refused({ reason: 'key-unsupported', key: 'none that a signer has' });
  return done({
    certificate,
    algorithm,
    publicKey,
    name: body.value.subject,
    keyId: Buffer.from(keyId, 'hex'),
    pathLength: basic.pathLength,
    signsLists: keyUsage.has('cRLSign'),
  } as unknown as Issuer);
}

function malformed({ fingerprint }: Certificate, problem: string) {
  return refused({ reason: 'certificate-malformed', problem: `${fingerprint.slice(0, 16)}: ${problem}` });
}
