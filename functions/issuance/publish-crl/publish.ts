// How does a signed list come to those who check? Its signature is stored, the list is written, and the row is marked.
import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import { listName, listStateKey, type ListState } from '../../../shared/issuance/list-state.ts';
import { commissionList, restoreList } from '../../../shared/issuance/prepare-list.ts';
import { verifyAnswer, type VerifiedSignature } from '../../../shared/signing/verified-signature.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { PublishCrlWorld } from './flow.ts';
import { readTbs } from './intend.ts';
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
  const { algorithm, publicKey } = authority.issuer;
  const signed = await readTbs(issuer, previous, world);
  const signature = Buffer.from(previous.signature ?? '', 'base64');
  const prepared = restoreList(signed, authority.issuer);
  const { der } = commissionList(prepared, verifyAnswer({ algorithm, publicKey, signed, signature }));
  await world.lists.write(listName(issuer), der);
  const publishedAt = world.clock.now();
  const next = { ...previous, version: previous.version + 1, publishedAt };
  const inputs = { tbs: previous.tbs, signature: previous.signature ?? '', place: listName(issuer) };
  // Losing this means that another worker has published it.
  await world.registry.commit([
    { replace: listStateKey(issuer), previous, next },
    listEntry({ authority, state: next, kind: 'revocation-list-published', inputs }, world),
  ]);
}
