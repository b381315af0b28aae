// How are devices taken off the broker? One by one at the speed of its quotas; each step may be done twice.
import { setTimeout } from 'node:timers/promises';

import { parseDeviceId } from '../../shared/identity/device-id.ts';
import type { Broker } from '../../shared/ports.ts';
import type { Remains } from './plan.ts';

/** UpdateCertificate, DescribeCertificate and ListPrincipalThings: 10 calls a second; one of each per device. */
const DEVICES_PER_SECOND = 8;

export async function removeRemains(remains: Remains, note: (line: string) => void): Promise<void> {
  const { authorities, authorityRegistry, certificates, broker } = remains;
  // 1 No new device comes in while the others go.
  for (const id of authorities) await authorityRegistry.stopRegistration(id);
  // 2 Devices: what hangs on the certificate first, the certificate last, so that a rerun finds what is left.
  for (const [index, id] of certificates.entries()) {
    note(`${index + 1} of ${certificates.length} devices`);
    await Promise.all([removeDevice(id, broker), setTimeout(1000 / DEVICES_PER_SECOND)]);
  }
  // 3 Authorities.
  for (const id of authorities) await authorityRegistry.remove(id);
}

async function removeDevice(certificateId: string, broker: Broker): Promise<void> {
  const certificate = await broker.findCertificate(certificateId);
  if (certificate === undefined) return;
  const { arn, status } = certificate;
  if (status !== 'INACTIVE') await broker.setStatus(certificateId, 'INACTIVE');
  for (const policy of await broker.listPolicies(arn)) await broker.detachPolicy(policy, arn);
  for (const thing of await broker.listThings(arn)) {
    await broker.detachThing(thing, arn);
    if (parseDeviceId(thing).outcome === 'done') await broker.deleteThing(thing);
  }
  await broker.deleteCertificate(certificateId);
}
