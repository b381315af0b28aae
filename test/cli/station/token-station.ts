// Which tokens do the tests of the station use? One of SoftHSM for a test file, named as an operator names it: by a URI of the token.
import { readFileSync } from 'node:fs';

import type { Station } from '../../../cli/station/station.ts';
import { parsePemCertificate } from '../../../shared/identity/certificate.ts';
import type { OpenSession } from '../../../shared/hsm/pkcs11-token.ts';
import { parseDetachedSignature, startManifestCheck } from '../../../shared/whitelist/signature.ts';
import { openKey, uriOf, type TestToken } from '../../contracts/certificate-signer-tokens.ts';

export function tokenUriOf(token: TestToken): string {
  return uriOf(token, 'any').replace(';object=any;type=private', '');
}

export function useToken<T>(token: TestToken, work: (open: OpenSession) => T | Promise<T>): Promise<T> {
  return openKey(token, 'ES256').token.use(work);
}

/** Labels of all private keys, in order. */
export function labelsIn(token: TestToken): Promise<readonly string[]> {
  return useToken(token, ({ pkcs11, session }) =>
    privateKeys({ pkcs11, session })
      .map((key) => pkcs11.C_GetAttributeValue(session, key, [{ type: CKA_LABEL }])[0]?.value.toString() ?? '')
      .sort(),
  );
}

/** As a token that was set up anew has none. */
export function emptyToken(token: TestToken): Promise<void> {
  return useToken(token, ({ pkcs11, session }) => {
    for (const key of privateKeys({ pkcs11, session })) pkcs11.C_DestroyObject(session, key);
  });
}

/** As the import checks it, where the station's signer is trusted. */
export function checkLot(station: Station, manifestFile: string) {
  const signature = parseDetachedSignature(readFileSync(`${manifestFile}.jws`, 'utf8'));
  const certificate = parsePemCertificate(readFileSync(station.signerFile, 'utf8'));
  if (signature.outcome === 'refused') return signature;
  if (certificate.outcome === 'refused') return certificate;
  const signer = { version: 1, purpose: 'signer', manufacturer: 'acme', certificate: certificate.value } as const;
  const started = startManifestCheck(signature.value, signer, new Date(Date.now() + 1000).toISOString());
  if (started.outcome === 'refused') return started;
  started.value.update(readFileSync(manifestFile));
  return started.value.finish();
}

function privateKeys({ pkcs11, session }: OpenSession): readonly Buffer[] {
  pkcs11.C_FindObjectsInit(session, [{ type: CKA_CLASS, value: PRIVATE_KEY }]);
  const found = pkcs11.C_FindObjects(session, 100);
  pkcs11.C_FindObjectsFinal(session);
  return found;
}

// PKCS #11: the numbers of pkcs11t.h.
const CKA_CLASS = 0;
const CKA_LABEL = 3;
const PRIVATE_KEY = 3;
