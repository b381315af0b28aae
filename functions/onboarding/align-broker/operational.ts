// What must the broker show of the certificates that a device's owner has issued? Each that the row names, under the policy of
// devices in operation; it shows no other, because whatever ends has a row of its own that takes it away.
import { toPem } from '../../../shared/identity/certificate.ts';
import { issuedKey, parseIssued } from '../../../shared/issuance/intent.ts';
import { operationalOf, type Device, type OperationalProjection } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { BrokerCertificate } from '../../../shared/ports.ts';
import type { AlignBrokerWorld } from './flow.ts';
import { activate, close, type Shown } from './project.ts';

/** By certificateId; each at the pace of the broker's quotas. */
export async function projectOperational(
  device: Device,
  world: AlignBrokerWorld,
): Promise<Readonly<Record<string, Shown>>> {
  const shown: Record<string, Shown> = {};
  for (const wanted of operationalOf(device)) {
    shown[wanted.certificate.certificateId] = await projectOne(device, wanted, world);
  }
  return shown;
}

async function projectOne(
  device: Device,
  { certificate: { certificateId }, status }: OperationalProjection,
  world: AlignBrokerWorld,
): Promise<Shown> {
  const { broker, policies, quota } = world;
  await quota.awaitTurn();
  const certificate = (await broker.findCertificate(certificateId)) ?? (await makeKnown(certificateId, world));
  if (status === 'inactive') return close(certificate, broker);
  return activate(device, certificate, { broker, policy: policies.operation });
}

/** No connect brings it in: its CA takes none by itself. */
async function makeKnown(certificateId: string, world: AlignBrokerWorld): Promise<BrokerCertificate> {
  const [row] = await world.registry.read([issuedKey(certificateId)]);
  if (row === undefined) throw new Fault('row-malformed', `certificate "${certificateId}": never issued`);
  await world.quota.awaitTurn('registration');
  await world.broker.registerIssued(toPem(parseIssued(row).certificate));
  const certificate = await world.broker.findCertificate(certificateId);
  if (certificate !== undefined) return certificate;
  throw new Fault('broker-stuck', `certificate "${certificateId}": registered, and not to be found`);
}
