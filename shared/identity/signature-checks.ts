// How much work may one question cost? Each signature is checked once by each key, and sixteen at most (T039).
import type { Certificate } from './certificate.ts';
import type { SignedBytes } from './certificate-body.ts';
import { verifySignature, type SignatureVerdict } from './signature.ts';

/** Whether the issuer's key signed these bytes; `exhausted` when no check is left to find out. */
export type SignatureChecks = (signed: SignedBytes, issuer: Certificate) => SignatureVerdict | 'exhausted';

/** Lives as long as one question. A search comes by the same link again and again: it is paid for once. */
export function countSignatureChecks(most = MOST_CHECKS): SignatureChecks {
  const known = new Map<SignedBytes, Map<string, SignatureVerdict>>();
  let left = most;
  return (signed, issuer) => {
    const byKey = known.get(signed) ?? new Map<string, SignatureVerdict>();
    const before = byKey.get(issuer.keyFingerprint);
    if (before !== undefined) return before;
    if (left === 0) return 'exhausted';
    left -= 1;
    const { algorithm, content, signature } = signed;
    const verdict = verifySignature({ algorithm, key: issuer.x509.publicKey, signed: content.whole, signature });
    known.set(signed, byKey.set(issuer.keyFingerprint, verdict));
    return verdict;
  };
}

export const MOST_CHECKS = 16;
