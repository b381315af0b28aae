// What does a signer beside an HSM answer? The signature of an intent: verified like any other, then stored and offered.
import { intentKey, outcomeKey, parseIntent } from '../../../shared/issuance/intent.ts';
import { parseSigningAnswer } from '../../../shared/issuance/signing-answer.ts';
import { verifyAnswer } from '../../../shared/signing/verified-signature.ts';
import { done, refused, type Outcome } from '../../../shared/outcome.ts';
import { readAuthority } from './authority.ts';
import { conclude } from './conclude.ts';
import { reject, type Issuance, type IssueCertificateWorld } from './flow.ts';

/** Faults, such as a signature by another key, are tried again and end as dead letters, where somebody looks. */
export async function concludeAnswered(body: string, world: IssueCertificateWorld): Promise<Outcome<Issuance>> {
  const answer = parseSigningAnswer(body);
  if (answer.outcome === 'refused') return answer;
  const { intent: named, signature } = answer.value;
  if (named.kind !== 'certificate')
    return refused({ reason: 'request-malformed', problem: 'expected the signature of a certificate' });
  const { device, requestId } = named;
  const [row, outcome] = await world.registry.read([intentKey(device, requestId), outcomeKey(device, requestId)]);
  // Nobody asked for this one: whoever can write to the queue signs nothing by it.
  if (row === undefined) return refused({ reason: 'request-over', requestId });
  const intent = parseIntent(row);
  const authority = await readAuthority(intent.issuer, world);
  const { algorithm, publicKey } = authority.issuer;
  const signed = Buffer.from(intent.tbs, 'base64');
  const verified = outcome === undefined ? verifyAnswer({ algorithm, publicKey, signed, signature }) : undefined;
  const concluded = await conclude({ intent, authority, signature: verified }, world);
  if (concluded.outcome === 'done') return done({ device, verdict: 'issued' });
  await reject(device, requestId, world);
  return concluded;
}
