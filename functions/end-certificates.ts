// What goes on record when operational certificates end? Each has an entry of its own beside that of its device, in the
// transaction that ends it: an auditor who holds a certificate finds when it ended, and why.
import { endedBetween, type Device, type OperationalCertificate } from '../shared/lifecycle.ts';
import { endCertificate, type RevocationReason } from '../shared/issuance/ending.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../shared/ledger/entry.ts';
import type { Change } from '../shared/ports.ts';

export interface Ending {
  /** The step that ends them; who asked for it says the entry of the device, under the same request id. */
  readonly step: string;
  readonly reason: RevocationReason;
  readonly now: string;
}

export interface EndingWorld {
  readonly random: EntryRandomness;
  readonly requestId: string;
}

/** Three changes for each certificate that the row loses. */
export function endingChanges(
  previous: Device | undefined,
  next: Device,
  { world, ...ending }: Ending & { readonly world: EndingWorld },
): readonly Change[] {
  return endedBetween(previous, next).flatMap((certificate) => withdrawal(certificate, next, { world, ...ending }));
}

/** Of one that its row does not name, or names no more. */
export function withdrawal(
  certificate: OperationalCertificate,
  { id: device, owner }: Device,
  { step, reason, now, world }: Ending & { readonly world: EndingWorld },
): readonly Change[] {
  const { certificateId, issuer, serial, notAfter } = certificate;
  const inputs = { certificateId, issuer, serial, notAfter, revocation: reason };
  const about = owner === undefined ? {} : { owner };
  const actor = { kind: 'step', step } as const;
  const detail = { actor, decision: 'done', ...about, device, inputs, requestId: world.requestId } as const;
  const draft = { stream: STREAMS.certificate(certificateId), seq: 1, kind: 'certificate-ended', detail } as const;
  return [...endCertificate(certificate, { device, reason, now }), recordEntry({ ...draft, time: now }, world.random)];
}
