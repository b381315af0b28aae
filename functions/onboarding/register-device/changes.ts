// What may have changed since a device was listed? Its owner and standing, and what its maker has taken back.
import { anchorClaimKey, parseAnchorClaim } from '../../../shared/identity/anchor.ts';
import {
  parseListRow,
  parseRevokedRow,
  revocationListKey,
  revokedKey,
  type LinkState,
} from '../../../shared/identity/revocation.ts';
import { parseDevice } from '../../../shared/device-row.ts';
import { deviceKey, type Device } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Registry, RowKey } from '../../../shared/ports.ts';
import type { Listing } from '../../../shared/whitelist/listing.ts';

export interface Changes {
  readonly device: Device | undefined;
  readonly states: readonly LinkState[];
  readonly listsRequired: boolean;
}

/** One read of the tables. */
export async function readChanges({ device: id, issuer, chain }: Listing, registry: Registry): Promise<Changes> {
  const lists = [...new Set(chain.map(({ issuerKey }) => issuerKey))];
  const keys: RowKey[] = [
    deviceKey(id),
    anchorClaimKey(issuer),
    ...chain.map((link) => revokedKey(link)),
    ...lists.map((issuerKey) => revocationListKey(issuerKey)),
  ];
  const [device, anchor, ...rest] = await registry.read(keys);
  // A listing whose anchor is gone stands on nothing.
  if (anchor === undefined) throw new Fault('row-malformed', `device "${id}": the anchor of its listing is missing`);
  const found = new Map(lists.map((issuerKey, index) => [issuerKey, rest[chain.length + index]]));
  const states = chain.map((link, index) => {
    const [list, revoked] = [found.get(link.issuerKey), rest[index]];
    return {
      link,
      list: list === undefined ? undefined : parseListRow(list),
      revoked: revoked === undefined ? undefined : parseRevokedRow(revoked),
    };
  });
  const listsRequired = parseAnchorClaim(anchor).revocation === 'required';
  return { device: device === undefined ? undefined : parseDevice(device), states, listsRequired };
}
