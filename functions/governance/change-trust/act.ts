// What can be asked of `change-trust`?
import * as z from 'zod';

import { isManufacturerCode } from '../../../shared/identity/device-id.ts';
import { OWNER_WISHES } from '../../../shared/identity/owner.ts';
import { isOwnerId } from '../../../shared/identity/owner-id.ts';
import { isLotName, isRange } from '../../../shared/whitelist/lot.ts';

const MANUFACTURER = z.string().refine(isManufacturerCode, 'expected a manufacturer code of 2 to 16 a-z 0-9');
/** One certificate in PEM. */
const CERTIFICATE = z.string().min(1).max(24_000);

const ADD_OWNER = z.strictObject({
  kind: z.literal('add-owner'),
  owner: z.string().refine(isOwnerId, 'expected an owner id of 2 to 32 a-z 0-9 -'),
});

const SET_OWNER_WISHES = OWNER_WISHES.extend({ kind: z.literal('set-owner-wishes'), owner: z.string().min(1).max(32) });

const ADD_ANCHOR = z.strictObject({
  kind: z.enum(['add-authority', 'add-root', 'add-signer', 'add-voucher-key']),
  manufacturer: MANUFACTURER,
  certificate: CERTIFICATE,
  /** Devices are admitted only while every issuer below this anchor has a current revocation list here. */
  revocation: z.literal('required').optional(),
});

const ADD_REVOCATION_LIST = z.strictObject({
  kind: z.literal('add-revocation-list'),
  manufacturer: MANUFACTURER,
  /** base64 of the DER, at most 1 MiB of it */
  list: z.base64().min(1).max(1_400_000),
  /** PEM certificates from the list's issuer up to one of the manufacturer's anchors, when an anchor did not issue it. */
  issuers: z.string().max(72_000).optional(),
});

const MOVE_BREAKER = z.strictObject({
  kind: z.enum(['open-breaker', 'close-breaker']),
  /** SHA-256 of the CA certificate, lower-case hex. */
  authority: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
});

const ADD_LOT = z.strictObject({
  kind: z.literal('add-lot'),
  manufacturer: MANUFACTURER,
  lot: z.string().refine(isLotName, 'expected a lot name of 1 to 64 A-Z a-z 0-9 . _ -'),
  product: z.string().min(1).max(64),
  count: z.int().min(1).max(5_000_000),
  serials: z
    .strictObject({ first: z.string().min(1).max(128), last: z.string().min(1).max(128) })
    .refine(isRange, 'expected two serial numbers of one length, the first not after the last')
    .optional(),
});

export const TRUST_ACT = z.discriminatedUnion('kind', [
  ADD_OWNER,
  SET_OWNER_WISHES,
  ADD_ANCHOR,
  ADD_LOT,
  ADD_REVOCATION_LIST,
  MOVE_BREAKER,
]);

export type AddOwner = z.infer<typeof ADD_OWNER>;
export type SetOwnerWishes = z.infer<typeof SET_OWNER_WISHES>;
export type AddAnchor = z.infer<typeof ADD_ANCHOR>;
export type AddLot = z.infer<typeof ADD_LOT>;
export type AddRevocationList = z.infer<typeof ADD_REVOCATION_LIST>;
export type MoveBreaker = z.infer<typeof MOVE_BREAKER>;
export type TrustAct = z.infer<typeof TRUST_ACT>;
