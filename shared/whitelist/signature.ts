// Did a trusted signer sign this very file? Detached JWS (RFC 7515 appendix F) over the unencoded bytes (RFC 7797).
import { createHash, createVerify } from 'node:crypto';
import * as z from 'zod';

import type { Anchor } from '../identity/anchor.ts';
import { firstProblem, parseStrictJson } from '../json.ts';
import { done, refused, type Outcome } from '../outcome.ts';

declare const proof: unique symbol;

/** Proof that the bytes with this digest were signed by a signer pinned for this manufacturer. */
export interface VerifiedManifest {
  /** Lower-case hex SHA-256 of the whole file. */
  readonly digest: string;
  readonly manufacturer: string;
  readonly signer: string;
  readonly signedAt: string;
  readonly [proof]: 'VerifiedManifest';
}

export interface DetachedSignature {
  /** Lower-case hex SHA-256 of the signer certificate's DER, from `x5t#S256`. */
  readonly signer: string;
  readonly signedAt: string;
  readonly signingPrefix: string;
  readonly value: Buffer;
}

export interface ManifestCheck {
  update(chunk: Uint8Array): void;
  finish(): Outcome<VerifiedManifest>;
}

// Strict: `jwk`, `x5c`, `jku`, `kid` or an unknown `crit` would let the file name its own key (T006).
const HEADER = z.strictObject({
  alg: z.literal('ES256'),
  b64: z.literal(false),
  crit: z.tuple([z.literal('b64')]),
  typ: z.literal('wardkey-manifest+jws'),
  'x5t#S256': z.base64url().length(43),
  /** Seconds since 1970 (RFC 7519 4.1.6): when the factory signed. */
  iat: z.int().min(0).max(253_402_300_799),
});

export type SignatureHeader = z.infer<typeof HEADER>;

/** r and s, 32 bytes each. */
export const P256_SIGNATURE_BYTES = 64;

/** Reads `BASE64URL(header)..BASE64URL(signature)`. */
export function parseDetachedSignature(jws: string): Outcome<DetachedSignature> {
  const [encoded, payload, signature, ...more] = jws.trim().split('.');
  if (encoded === undefined || signature === undefined || payload !== '' || more.length > 0) {
    return malformed('expected a compact JWS with an empty payload part');
  }
  const header = HEADER.safeParse(parseStrictJson(Buffer.from(encoded, 'base64url').toString('utf8')));
  if (!header.success) return malformed(`header: ${firstProblem(header.error.issues)}`);
  const value = Buffer.from(signature, 'base64url');
  // RFC 7518 3.4: r || s of 32 bytes each; a DER signature or trailing bytes are something else (T007).
  if (value.length !== P256_SIGNATURE_BYTES || value.toString('base64url') !== signature) {
    return malformed(`expected a signature of ${P256_SIGNATURE_BYTES} bytes, got ${value.length}`);
  }
  return done({
    signer: Buffer.from(header.data['x5t#S256'], 'base64url').toString('hex'),
    signedAt: new Date(header.data.iat * 1000).toISOString(),
    signingPrefix: `${encoded}.`,
    value,
  });
}

/** `signer` is the anchor found under the signature's certificate hash; undefined when there is none. */
export function startManifestCheck(
  signature: DetachedSignature,
  signer: Anchor | undefined,
  now: string,
): Outcome<ManifestCheck> {
  if (signer === undefined) return refused({ reason: 'signer-unknown', signer: signature.signer });
  const { fingerprint, notBefore, notAfter, x509 } = signer.certificate;
  const { signedAt } = signature;
  // Trust is by certificate hash: another certificate of the same name is another signer (T003).
  if (signer.purpose !== 'signer' || fingerprint !== signature.signer) {
    return refused({ reason: 'signer-unknown', signer: signature.signer });
  }
  if (Date.parse(signedAt) > Date.parse(now)) return refused({ reason: 'signed-in-future', signedAt, now });
  if (Date.parse(signedAt) < Date.parse(notBefore) || Date.parse(signedAt) > Date.parse(notAfter)) {
    return refused({ reason: 'signer-not-valid', signedAt, notBefore, notAfter });
  }
  const verify = createVerify('sha256').update(signature.signingPrefix);
  const digest = createHash('sha256');
  return done({
    update(chunk) {
      verify.update(chunk);
      digest.update(chunk);
    },
    finish() {
      const key = { key: x509.publicKey, dsaEncoding: 'ieee-p1363' } as const;
      if (!isP256(signer) || !verify.verify(key, signature.value)) {
        return refused({ reason: 'signature-invalid', signer: fingerprint });
      }
      const { manufacturer } = signer;
      return done({ digest: digest.digest('hex'), manufacturer, signer: fingerprint, signedAt } as VerifiedManifest);
    },
  });
}

/** What a factory signs: header and prefix of a new signature by the certificate with this fingerprint. */
export function signatureHeader(signer: string, signedAt: string): string {
  const header: SignatureHeader = {
    alg: 'ES256',
    b64: false,
    crit: ['b64'],
    typ: 'wardkey-manifest+jws',
    'x5t#S256': Buffer.from(signer, 'hex').toString('base64url'),
    iat: Math.floor(Date.parse(signedAt) / 1000),
  };
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}

/** ES256 is ECDSA on P-256 and nothing else (RFC 7518 3.4). */
export function isP256(signer: Anchor): boolean {
  return signer.certificate.x509.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

function malformed(problem: string) {
  return refused({ reason: 'signature-malformed', problem });
}
