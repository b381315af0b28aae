// How is a certificate signed by a key that this process never sees? Written twice: first to know what is to be signed, then
// with the signature.
import 'reflect-metadata';
import { X509CertificateGenerator, type PublicKey, type X509Certificate } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

import { childrenOf, onlyValue } from '../../shared/identity/der.ts';
import { decodeEcdsa } from '../../shared/signing/ecdsa-signature.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import { Fault } from '../../shared/outcome.ts';
import type { CertificateSigner } from '../../shared/ports.ts';

type Signed = Extract<Parameters<typeof X509CertificateGenerator.create>[0], { readonly signature: unknown }>;

/** All but the signature, with every value that is not the same each time: serial number and dates. */
export type Draft = Omit<Signed, 'signature'>;

/** `publicKey`: of the issuer's certificate. Throws what the signer throws; its answer is verified. */
export async function signByToken(
  draft: Draft,
  signer: CertificateSigner,
  publicKey: PublicKey,
): Promise<X509Certificate> {
  const signed = signedPartOf(await write(draft, NO_SIGNATURE));
  const certificate = await write(draft, await signSides(signer, signed, Buffer.from(publicKey.rawData)));
  // The signature is of the first writing: it is worth something only if the second one says the same.
  if (!signedPartOf(certificate).equals(signed))
    throw new Fault('answer-malformed', 'a certificate changed as it was signed');
  return certificate;
}

/** r || s of ES256, by the key of this certificate and no other that a token may have under the same name. */
export async function signSides(signer: CertificateSigner, bytes: Uint8Array, spki: Uint8Array): Promise<Uint8Array> {
  const { algorithm, publicKey, signature } = await signVerified(signer, bytes);
  const sides = algorithm === 'ES256' ? decodeEcdsa(signature, algorithm) : undefined;
  if (sides !== undefined && Buffer.from(publicKey).equals(spki)) return sides;
  throw new Fault('key-unusable', 'the key in the token is not the one of the certificate');
}

function write(draft: Draft, signature: Uint8Array): Promise<X509Certificate> {
  return X509CertificateGenerator.create({ ...draft, signature: Buffer.from(signature) }, webcrypto);
}

/** RFC 5280 4.1: tbsCertificate is the first of three. */
function signedPartOf({ rawData }: X509Certificate): Buffer {
  const [signed] = childrenOf(onlyValue(Buffer.from(rawData))) ?? [];
  if (signed === undefined) throw new Error('expected a certificate in DER');
  return Buffer.from(signed.whole);
}

/** Of the right length, and of nobody. */
const NO_SIGNATURE = Buffer.alloc(64, 1);
