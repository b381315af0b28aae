// What can be asked of `change-trust`?
import * as z from 'zod';

import { isManufacturerCode } from '../../../shared/identity/device-id.ts';
import { isOwnerId } from '../../../shared/identity/owner-id.ts';

const MANUFACTURER = z.string().refine(isManufacturerCode, 'expected a manufacturer code of 2 to 16 a-z 0-9');
/** One certificate in PEM. */
const CERTIFICATE = z.string().min(1).max(24_000);

export const ADD_OWNER = z.strictObject({
  kind: z.literal('add-owner'),
  owner: z.string().refine(isOwnerId, 'expected an owner id of 2 to 32 a-z 0-9 -'),
});

export const ADD_ANCHOR = z.strictObject({
  kind: z.enum(['add-authority', 'add-signer']),
  manufacturer: MANUFACTURER,
  certificate: CERTIFICATE,
});

export const TRUST_ACT = z.discriminatedUnion('kind', [ADD_OWNER, ADD_ANCHOR]);

export type AddOwner = z.infer<typeof ADD_OWNER>;
export type AddAnchor = z.infer<typeof ADD_ANCHOR>;
export type TrustAct = z.infer<typeof TRUST_ACT>;
