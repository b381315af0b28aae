// Who signs for this owner now, or who has signed this?
import {
  issuingKey,
  ownerAuthorityKey,
  parseIssuing,
  parsePointer,
  type IssuingAuthority,
} from '../../../shared/issuance/authority.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Registry } from '../../../shared/ports.ts';

interface AuthorityWorld {
  readonly registry: Registry;
}

/** Nobody else signs in its place: without an authority of the owner there is no certificate. */
export async function findAuthority(owner: string, world: AuthorityWorld): Promise<Outcome<IssuingAuthority>> {
  const [pointer] = await world.registry.read([ownerAuthorityKey(owner)]);
  if (pointer === undefined) return refused({ reason: 'authority-absent', owner });
  return done(await readAuthority(parsePointer(pointer).fingerprint, world));
}

/** The one that an intent names, also when the owner has another since. */
export async function readAuthority(fingerprint: string, { registry }: AuthorityWorld): Promise<IssuingAuthority> {
  const [row] = await registry.read([issuingKey(fingerprint)]);
  if (row !== undefined) return parseIssuing(row);
  throw new Fault('row-malformed', `issuing authority "${fingerprint}": its row is missing`);
}
