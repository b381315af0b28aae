// May these bytes be signed? A signer beside an HSM believes no queue: it signs operational certificates and revocation lists of
// its own issuing CA, in the one form that they have, and nothing else.
import { restoreList } from '../../shared/issuance/prepare-list.ts';
import { restorePrepared } from '../../shared/issuance/restore.ts';
import { parseSigningOrder } from '../../shared/issuance/signing-answer.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import type { Issuer } from '../../shared/issuance/issuer.ts';
import { done, Fault, refused, type Outcome } from '../../shared/outcome.ts';
import type { CertificateSigner, SigningIntent } from '../../shared/ports.ts';

export interface ServedKey {
  /** As orders name it. */
  readonly name: string;
  readonly signer: CertificateSigner;
  readonly issuer: Issuer;
}

export interface SignedOrder {
  readonly intent: SigningIntent;
  /** base64 */
  readonly signature: string;
}

/** `elsewhere`: another signer has that key. Throws what the token throws: the order stays in its queue. */
export async function signOrder(body: string, keys: readonly ServedKey[]): Promise<Outcome<SignedOrder> | 'elsewhere'> {
  const order = parseSigningOrder(body);
  if (order.outcome === 'refused') return order;
  const { intent, key: name, algorithm, tbs } = order.value;
  const key = keys.find((one) => one.name === name);
  if (key === undefined) return 'elsewhere';
  if (key.signer.algorithm !== algorithm)
    return refused({ reason: 'key-unfit', key: name, problem: `expected ${key.signer.algorithm}, got ${algorithm}` });
  const bytes = Buffer.from(tbs, 'base64');
  const unfit = findMisfit(bytes, intent, key.issuer);
  if (unfit !== undefined) return refused({ reason: 'request-malformed', problem: unfit });
  const { signature } = await signVerified(key.signer, bytes);
  return done({ intent, signature: Buffer.from(signature).toString('base64') });
}

function findMisfit(bytes: Uint8Array, intent: SigningIntent, issuer: Issuer): string | undefined {
  try {
    if (intent.kind === 'list') {
      const { number } = restoreList(bytes, issuer);
      return number === intent.number ? undefined : `expected list ${intent.number}, got ${number}`;
    }
    const { commonName } = restorePrepared(bytes, issuer);
    return commonName === intent.device ? undefined : `expected a certificate of ${intent.device}, got ${commonName}`;
  } catch (error) {
    if (error instanceof Fault) return 'expected an operational certificate or a list of this issuing CA';
    throw error;
  }
}
