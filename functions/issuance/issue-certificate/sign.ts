// How does an intent come to its signature? From a key in AWS KMS here, each call recorded; or from a signer that stands
// beside an HSM, which is sent the very bytes of the intent.
import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import type { Intent } from '../../../shared/issuance/intent.ts';
import { signVerified, type VerifiedSignature } from '../../../shared/signing/verified-signature.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { SignatureAttempt } from '../../../shared/ports.ts';
import type { IssueCertificateWorld } from './flow.ts';

export function signHere(
  intent: Intent,
  { home, algorithm }: IssuingAuthority,
  world: IssueCertificateWorld,
): Promise<VerifiedSignature> {
  if (home.kind !== 'kms') throw new Fault('key-unusable', `issuing key of "${intent.owner}": expected one in KMS`);
  const signer = world.keys.open({ keyArn: home.keyArn, algorithm }, (attempt) => record(attempt, intent, world));
  return signVerified(signer, Buffer.from(intent.tbs, 'base64'));
}

/** CloudTrail names each call to Sign; here is what each was for. */
async function record(attempt: SignatureAttempt, intent: Intent, world: IssueCertificateWorld): Promise<void> {
  const { keyArn, number, error, requestId: call } = attempt;
  const { requestId: request, device, owner } = intent;
  const inputs = {
    ...{ request, keyArn, number },
    ...(call === undefined ? {} : { call }),
    ...(error === undefined ? {} : { error }),
  };
  const actor = { kind: 'step', step: 'issue-certificate' } as const;
  const detail = { actor, decision: 'done', owner, device, inputs, requestId: world.requestId } as const;
  const stream = STREAMS.signing(world.random.newId());
  const draft = { stream, seq: 1, kind: 'signature-attempted', time: world.clock.now(), detail } as const;
  await world.registry.commit([recordEntry(draft, world.random)]);
}

export async function orderSignature(
  { device, requestId, tbs }: Intent,
  { home, algorithm }: IssuingAuthority,
  { signing }: IssueCertificateWorld,
): Promise<void> {
  if (home.kind !== 'pkcs11') throw new Fault('key-unusable', `device "${device}": expected an issuing key in a token`);
  const intent = { kind: 'certificate', device, requestId } as const;
  await signing.request({ intent, key: home.name, algorithm, tbs });
}
