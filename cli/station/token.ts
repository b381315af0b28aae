// Where are the two keys of a station that keeps none in files? In a PKCS #11 token, under names that follow from the maker's code.
import { pkcs11CertificateSigner, readPinFile } from '../../shared/hsm/pkcs11-certificate-signer.ts';
import { ensureKeyPair } from '../../shared/hsm/pkcs11-key-pair.ts';
import { pkcs11Token, type Pkcs11Token } from '../../shared/hsm/pkcs11-token.ts';
import { parsePkcs11TokenUri } from '../../shared/hsm/pkcs11-uri.ts';
import { encodeEcdsa } from '../../shared/signing/ecdsa-signature.ts';
import type { CertificateSigner } from '../../shared/ports.ts';
import { UsageError } from '../terminal.ts';
import type { Station } from './station.ts';

export type IssuerName = 'authority' | 'signer';

/** A station whose keys are in a token. */
export type TokenStation = Pick<Station, 'manufacturer'> & { readonly token: string };

/** `wardkey-<manufacturer>-ca` and `wardkey-<manufacturer>-manifest`: P-256, both. */
export function labelOf(manufacturer: string, name: IssuerName): string {
  return `wardkey-${manufacturer}-${name === 'authority' ? 'ca' : 'manifest'}`;
}

/** Throws where the URI names no token, the token is not there, or does not take its PIN. Changes nothing. */
export async function tryToken(uri: string): Promise<void> {
  await openToken(uri).use(() => undefined);
}

/** The key, found in the token or made there; a second call finds the same one. */
export async function ensureTokenKey(station: TokenStation, name: IssuerName): Promise<CertificateSigner> {
  const label = labelOf(station.manufacturer, name);
  await ensureKeyPair({ token: openToken(station.token), label, algorithm: 'ES256' });
  return signerIn(station, name);
}

/** Not asked yet: throws when it is used, where there is no such key. */
export function signerIn({ token, manufacturer }: TokenStation, name: IssuerName): CertificateSigner {
  const key = { object: labelOf(manufacturer, name) };
  return pkcs11CertificateSigner({ token: openToken(token), key, algorithm: 'ES256', encodeEcdsa });
}

const tokens = new Map<string, Pkcs11Token>();

/** One session for a process. */
function openToken(uri: string): Pkcs11Token {
  const { pinFile, ...where } = parse(uri);
  const opened = tokens.get(uri) ?? pkcs11Token({ ...where, ...readerOf(pinFile) });
  tokens.set(uri, opened);
  return opened;
}

function readerOf(pinFile: string | undefined) {
  return pinFile === undefined ? {} : { readPin: () => readPinFile(pinFile) };
}

/** Repeats nothing of the text: it may hold a PIN. */
function parse(uri: string) {
  const parsed = parsePkcs11TokenUri(uri);
  if (parsed.outcome === 'done') return parsed.value;
  const { refusal } = parsed;
  throw new UsageError(`the pkcs11: URI of the token: ${'problem' in refusal ? refusal.problem : refusal.reason}`);
}
