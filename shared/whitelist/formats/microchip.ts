// Microchip Trust Platform: a JSON array of JWS objects, each one secure element, each signed for itself.
import { verify } from 'node:crypto';
import * as z from 'zod';

import type { Anchor } from '../../identity/anchor.ts';
import { firstProblem, parseStrictJson } from '../../json.ts';
import { done, refused, type Outcome } from '../../outcome.ts';
import { isP256, P256_SIGNATURE_BYTES } from '../signature.ts';
import { readElements, type Element } from './elements.ts';
import {
  malformed,
  type FormatContext,
  type ManifestEntry,
  type ManifestFormat,
  type NumberedEntry,
} from './format.ts';
import { parsePayload, readSecureElement, type Payload } from './microchip-payload.ts';

export const microchip: ManifestFormat = {
  name: 'microchip',
  signature: 'entry',
  recognises: (fileName) => fileName.endsWith('.json'),
  read,
};

const JWS = z.strictObject({
  payload: z.string().min(1),
  protected: z.string().min(1).max(1024),
  /** Not signed: it only repeats what the payload says. */
  header: z.strictObject({ uniqueId: z.string() }),
  signature: z.string().max(256),
});

// Strict: `jwk`, `x5c`, `jku`, `crit` or `b64` would let the entry name its own key, or its own rules (T006).
const HEADER = z.strictObject({
  alg: z.literal('ES256'),
  typ: z.literal('JWT'),
  /** Derived from the signer's key; decides nothing, and looks like nothing else. */
  kid: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  'x5t#S256': z.base64url().length(43),
});

type Jws = z.infer<typeof JWS>;

async function* read(chunks: AsyncIterable<Uint8Array>, context: FormatContext): AsyncGenerator<NumberedEntry> {
  for await (const element of readElements(chunks)) yield { line: element.number, entry: readEntry(element, context) };
}

/** Signature first, then what it says: until then the payload is anybody's text. */
function readEntry({ number, text }: Element, context: FormatContext): Outcome<ManifestEntry> {
  if (text.outcome === 'refused') return text;
  const jws = JWS.safeParse(parseStrictJson(text.value));
  if (!jws.success) return malformed(number, firstProblem(jws.error.issues));
  const signer = findSigner(jws.data, context);
  if (signer.outcome === 'refused') return signer;
  const verified = verifySignature(jws.data, signer.value);
  if (verified.outcome === 'refused') return verified;
  const payload = parsePayload(verified.value, number);
  if (payload.outcome === 'refused') return payload;
  const { uniqueId, provisioningTimestamp: signedAt } = payload.value;
  // What sorts entries without looking inside must not sort this one under another device (T008).
  if (jws.data.header.uniqueId !== uniqueId) {
    return refused({ reason: 'id-differs', expected: uniqueId, got: jws.data.header.uniqueId });
  }
  const timely = checkTime(payload.value, signer.value, context.now);
  if (timely.outcome === 'refused') return timely;
  const entry = readSecureElement(payload.value, number, context);
  if (entry.outcome === 'refused') return entry;
  return done({ ...entry.value, signedBy: { signer: signer.value.certificate.fingerprint, signedAt } });
}

/** Trust is by certificate hash: another certificate of the same name is another signer (T003). */
function findSigner(jws: Jws, { signers, manufacturer }: FormatContext): Outcome<Anchor> {
  const header = HEADER.safeParse(parseStrictJson(decodeBase64url(jws.protected)?.toString('utf8') ?? ''));
  if (!header.success) return signatureMalformed(`header: ${firstProblem(header.error.issues)}`);
  const signer = decodeBase64url(header.data['x5t#S256'])?.toString('hex');
  if (signer === undefined) return signatureMalformed('header: "x5t#S256": expected base64url');
  const found = signers.find(({ certificate }) => certificate.fingerprint === signer);
  if (found?.purpose !== 'signer' || found.manufacturer !== manufacturer) {
    return refused({ reason: 'signer-unknown', signer });
  }
  return done(found);
}

/** Answers the payload's bytes, once the signer's key is seen to have signed them. */
function verifySignature(jws: Jws, signer: Anchor): Outcome<Buffer> {
  const [payload, signature] = [decodeBase64url(jws.payload), decodeBase64url(jws.signature)];
  if (payload === undefined) return signatureMalformed('payload: expected base64url');
  // RFC 7518 3.4: r || s of 32 bytes each; a DER signature or trailing bytes are something else (T007).
  if (signature?.length !== P256_SIGNATURE_BYTES)
    return signatureMalformed('signature: expected 64 bytes in base64url');
  const { fingerprint, x509 } = signer.certificate;
  const signed = Buffer.from(`${jws.protected}.${jws.payload}`);
  const key = { key: x509.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!isP256(signer) || !verify('sha256', signed, key, signature)) {
    return refused({ reason: 'signature-invalid', signer: fingerprint });
  }
  return done(payload);
}

/** An expired signer of an older reel is right; a new signature by it is wrong (T004). `notAfter` may be the year 9999 (T005). */
function checkTime({ provisioningTimestamp }: Payload, signer: Anchor, now: string): Outcome<'timely'> {
  const signedAt = provisioningTimestamp;
  const { notBefore, notAfter } = signer.certificate;
  if (!(Date.parse(signedAt) <= Date.parse(now))) return refused({ reason: 'signed-in-future', signedAt, now });
  if (Date.parse(signedAt) >= Date.parse(notBefore) && Date.parse(signedAt) <= Date.parse(notAfter))
    return done('timely');
  return refused({ reason: 'signer-not-valid', signedAt, notBefore, notAfter });
}

/** Only the one canonical spelling: no padding, no other alphabet, no bits left over. */
function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function signatureMalformed(problem: string) {
  return refused({ reason: 'signature-malformed', problem });
}
