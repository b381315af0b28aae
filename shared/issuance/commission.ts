// Is this the certificate that we prepared? What was signed becomes a certificate once the signature is known to be the
// issuer's and over these very bytes, and our own reader finds in it what was meant (blueprint step 4).
import { parseCertificate, type Certificate } from '../identity/certificate.ts';
import { readSigned } from '../identity/certificate-body.ts';
import { sameBytes } from '../identity/path-rules.ts';
import { Fault } from '../outcome.ts';
import type { Issuer } from './issuer.ts';
import type { PreparedCertificate } from './prepare.ts';
import { assemble, type CertificateKind } from './profile.ts';
import { restorePrepared } from './restore.ts';
import { verifyAnswer, type SignatureAnswer, type VerifiedSignature } from '../signing/verified-signature.ts';

declare const proof: unique symbol;

/** Proof that a certificate is the prepared one, signed by its issuer. */
export interface IssuedCertificate {
  readonly prepared: PreparedCertificate;
  readonly der: Uint8Array;
  readonly certificate: Certificate;
  /** Lower-case hex SHA-256 of `der`; AWS IoT Core calls the same value certificateId. */
  readonly fingerprint: string;
  readonly [proof]: 'IssuedCertificate';
}

/** Throws `answer-malformed` for a signature by another key, or over other bytes: a key home that mixes up what it was asked. */
export function commission(prepared: PreparedCertificate, verified: VerifiedSignature): IssuedCertificate {
  if (!sameBytes(verified.publicKey, prepared.signer)) throw malformed('another key than the issuer’s signed it');
  if (!sameBytes(verified.signed, prepared.tbs)) throw malformed('other bytes than the prepared ones were signed');
  return checkedBack(assemble(prepared.tbs, prepared.algorithm, verified.signature), prepared);
}

/**
 * The same from a row: DER that was commissioned and stored. Throws `row-malformed` unless it is of the profile and signed by
 * this issuer; a root is read without an issuer.
 */
export function readCommissioned(
  der: Uint8Array,
  issuer: Issuer | undefined,
  kind: CertificateKind = 'operational',
): IssuedCertificate {
  const parts = readSigned(der);
  if (parts === undefined) throw rowMalformed();
  const prepared = restorePrepared(parts.content.whole, issuer, kind);
  const { algorithm, signer: publicKey, tbs: signed } = prepared;
  const issued = commissionStored(prepared, { algorithm, publicKey, signed, signature: parts.signature });
  if (!sameBytes(issued.der, der)) throw rowMalformed();
  return issued;
}

function commissionStored(prepared: PreparedCertificate, answer: SignatureAnswer): IssuedCertificate {
  try {
    return commission(prepared, verifyAnswer(answer));
  } catch (cause) {
    throw rowMalformed({ cause });
  }
}

/** The last look before it leaves: the bytes that were prepared, and the key that was asked for. */
function checkedBack(der: Uint8Array, prepared: PreparedCertificate): IssuedCertificate {
  const certificate = parseCertificate(der);
  const content = readSigned(der)?.content.whole ?? new Uint8Array();
  if (certificate.outcome === 'refused' || !sameBytes(content, prepared.tbs))
    throw malformed('our own reader does not find in it what was prepared');
  const { keyFingerprint, fingerprint } = certificate.value;
  if (keyFingerprint !== prepared.keyFingerprint) throw malformed('it certifies another key');
  return { prepared, der, certificate: certificate.value, fingerprint } as IssuedCertificate;
}

function malformed(problem: string): Fault {
  return new Fault('answer-malformed', `commissioned certificate: ${problem}`);
}

function rowMalformed(options?: { readonly cause: unknown }): Fault {
  return new Fault('row-malformed', 'stored certificate: expected one of the profile, signed by its issuer', options);
}
