// What does a signer beside an HSM answer? A signature of a list that was ordered: verified like any other, then published.
import { issuingKey, parseIssuing } from '../../../shared/issuance/authority.ts';
import { parseSigningAnswer } from '../../../shared/issuance/signing-answer.ts';
import { verifyAnswer } from '../../../shared/signing/verified-signature.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import { readState, type Published, type PublishCrlWorld } from './flow.ts';
import { readTbs } from './intend.ts';
import { publishSigned, storeSignature } from './publish.ts';

export async function publishAnswered(body: string, world: PublishCrlWorld): Promise<Outcome<Published>> {
  const answer = parseSigningAnswer(body);
  if (answer.outcome === 'refused') return answer;
  const { intent, signature } = answer.value;
  if (intent.kind !== 'list')
    return refused({ reason: 'request-malformed', problem: 'expected the signature of a list' });
  const { issuer, number } = intent;
  const [row] = await world.registry.read([issuingKey(issuer)]);
  if (row === undefined) throw new Fault('row-malformed', `issuing authority "${issuer}": its row is missing`);
  const authority = parseIssuing(row);
  const state = await readState(issuer, world);
  // An answer that comes late, or again.
  if (state?.number !== number || state.publishedAt !== undefined) return done({ issuer, number, verdict: 'current' });
  const { algorithm, publicKey } = authority.issuer;
  const signed = await readTbs(issuer, state, world);
  const verified = verifyAnswer({ algorithm, publicKey, signed, signature });
  const stored = state.signature === undefined ? await storeSignature(authority, state, verified, world) : state;
  await publishSigned(authority, stored, world);
  return done({ issuer, number, verdict: 'published' });
}
