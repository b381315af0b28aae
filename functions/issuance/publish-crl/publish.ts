// How does a signed list come to those who check? Its signature is stored, the list is written, and the row is marked.
import { readSigned } from '../../../shared/identity/certificate-body.ts';
import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import { listName, listStateKey, type ListState } from '../../../shared/issuance/list-state.ts';
import { commissionList, restoreList } from '../../../shared/issuance/prepare-list.ts';
import { verifyAnswer, type VerifiedSignature } from '../../../shared/signing/verified-signature.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { PublishCrlWorld } from './flow.ts';
import { readTbs, sha256 } from './intend.ts';
import { listEntry } from './record.ts';

export async function storeSignature(
  authority: IssuingAuthority,
  previous: ListState,
  verified: VerifiedSignature,
  { registry }: Pick<PublishCrlWorld, 'registry'>,
): Promise<ListState> {
  const issuer = authority.certificate.fingerprint;
  const signature = Buffer.from(verified.signature).toString('base64');
  const next = { ...previous, version: previous.version + 1, signature };
  const result = await registry.commit([{ replace: listStateKey(issuer), previous, next }]);
  if (result === 'committed') return next;
  throw new Fault('comparison-lost', `revocation list ${previous.number} of "${issuer}": signed by another worker`);
}

export async function publishSigned(
  authority: IssuingAuthority,
  previous: ListState,
  world: PublishCrlWorld,
): Promise<void> {
  const issuer = authority.certificate.fingerprint;
  await writeSigned(authority, previous, world);
  const publishedAt = world.clock.now();
  const next = { ...previous, version: previous.version + 1, publishedAt };
  const inputs = { tbs: previous.tbs, signature: previous.signature ?? '', place: listName(issuer) };
  // Losing this means that another worker has published it.
  await world.registry.commit([
    { replace: listStateKey(issuer), previous, next },
    listEntry({ authority, state: next, kind: 'revocation-list-published', inputs }, world),
  ]);
}

/** Where relying parties find it; the same bytes each time. */
export async function writeSigned(
  { certificate, issuer: key }: IssuingAuthority,
  state: ListState,
  world: Pick<PublishCrlWorld, 'lists'>,
): Promise<void> {
  const { algorithm, publicKey } = key;
  const signed = await readTbs(certificate.fingerprint, state, world);
  const signature = Buffer.from(state.signature ?? '', 'base64');
  const prepared = restoreList(signed, key);
  const { der } = commissionList(prepared, verifyAnswer({ algorithm, publicKey, signed, signature }));
  await world.lists.write(listName(certificate.fingerprint), der);
}

/** Whether what relying parties find is the list of the row: an older one would clear who has ended since. */
export async function isShown(
  issuer: string,
  { tbs }: ListState,
  { lists }: Pick<PublishCrlWorld, 'lists'>,
): Promise<boolean> {
  const shown = readSigned((await lists.read(listName(issuer))) ?? new Uint8Array());
  return shown !== undefined && sha256(shown.content.whole) === tbs;
}
