// A device that has been in use for a while: its confirmed certificate, and the service that issued it.
import { certificateIdOf, type DeviceState, type Operational } from '../../device/identities.ts';
import { craftDevice, type CraftWishes } from '../pki/crafted.ts';
import { keyOf, pemOf } from './small-broker.ts';
import { LIFE, OWNER, SmallService } from './small-service.ts';
import { FACTORY_ID, ID } from './stage.ts';

export const RENEW_FROM = '2027-01-23T00:00:00.000Z';

export function makeOperational(key = 'operational', wishes: Partial<CraftWishes> = {}): Operational {
  const made = craftDevice({ name: ID, key, issuer: OWNER.issuing, ...LIFE, ...wishes });
  return { certificate: pemOf(made), key: keyOf(made), renewFrom: RENEW_FROM };
}

export const CURRENT = makeOperational();
export const CURRENT_ID = certificateIdOf(CURRENT.certificate);
export const IN_USE: DeviceState = { root: OWNER.root.der.toString('base64url'), current: CURRENT };

/** It knows the confirmed certificate only, as after a rotation. */
export function serviceInUse(): SmallService {
  const service = new SmallService(FACTORY_ID);
  service.known.clear();
  service.known.add(CURRENT_ID);
  return service;
}
