// What does a factory drop beside its manifest? A detached JWS over the file's bytes, by its manifest signer.
import { webcrypto } from 'node:crypto';

import { signatureHeader } from '../../shared/whitelist/signature.ts';
import type { Party } from './certificates.ts';
import { P256 } from './keys.ts';

/** `BASE64URL(header)..BASE64URL(signature)`, ES256 over header, a full stop and the manifest as it is (RFC 7797). */
export async function signManifest(manifest: string | Uint8Array, signer: Party, signedAt: string): Promise<string> {
  return signWithHeader(manifest, signer, signatureHeader(signer.certificate.fingerprint, signedAt));
}

/** The same under a header of the test's choosing. */
export async function signWithHeader(manifest: string | Uint8Array, signer: Party, header: string): Promise<string> {
  const signed = Buffer.concat([Buffer.from(`${header}.`), Buffer.from(manifest)]);
  const signature = await webcrypto.subtle.sign(P256, signer.keys.privateKey, signed);
  return `${header}..${Buffer.from(signature).toString('base64url')}`;
}
