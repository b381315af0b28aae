// What becomes of a signature? The first that is stored is the certificate; what is stored is offered in the device row, made
// known to the broker, and answered. Every part may come twice.
import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import type { Intent } from '../../../shared/issuance/intent.ts';
import type { Issued } from '../../../shared/issuance/messages.ts';
import type { VerifiedSignature } from '../../../shared/signing/verified-signature.ts';
import { done, type Outcome } from '../../../shared/outcome.ts';
import { certificateTopic } from '../../answer-device.ts';
import type { IssueCertificateWorld } from './flow.ts';
import { offerStored } from './offer.ts';
import { readStored, store, type Stored } from './store.ts';

export interface Concluding {
  readonly intent: Intent;
  /** Of the intent: its owner may have another since. */
  readonly authority: IssuingAuthority;
  /** Undefined when one was stored before. */
  readonly signature: VerifiedSignature | undefined;
}

export async function conclude(concluding: Concluding, world: IssueCertificateWorld): Promise<Outcome<Stored>> {
  const { intent, authority, signature } = concluding;
  // 1 Store it, create-only. A crash before this leaves a signature that nobody has seen, and bytes to sign again.
  if (signature !== undefined) await store(signature, { intent, authority }, world);
  // 2 From here on only what is read back counts.
  const stored = await readStored({ intent, authority }, world);
  // 3 Offer it in the device row, by comparison: the device may have lost its standing meanwhile.
  const offered = await offerStored(stored, intent, world);
  if (offered.outcome === 'refused') return offered;
  // 4 A crash from here on leaves rows pending, which the sweep of align-broker finds; and the device asks again.
  await world.alignments.request(intent.device);
  for (const ended of offered.value) await world.alignments.requestRevocation(ended);
  await world.topics.publish(certificateTopic(intent.device, 'accepted'), answerOf(stored, { intent, authority }));
  return done(stored);
}

/** Also what a device is told that asks the same again. */
function answerOf({ issued, certificate }: Stored, { intent, authority }: Omit<Concluding, 'signature'>): Issued {
  const base64url = (der: Uint8Array) => Buffer.from(der).toString('base64url');
  return {
    kind: 'issued',
    requestId: intent.requestId,
    certificate: base64url(Buffer.from(issued.certificate, 'base64')),
    chain: [authority.certificate, authority.root].map(({ x509 }) => base64url(x509.raw)),
    renewFrom: certificate.renewFrom,
  };
}
