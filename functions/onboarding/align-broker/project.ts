// What must be done at AWS IoT Core so that it shows what the device row says? The only calls that change certificates,
// things and their policies.
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { BROKER_PROJECTION, type Device } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Broker, BrokerCertificate } from '../../../shared/ports.ts';

/** What the broker shows afterwards. `absent`: nothing to activate; the next connect is a fresh registration. */
export type Shown = 'active' | 'waiting' | 'absent';

/** Idempotent; may be interrupted anywhere and done again. */
export async function projectDevice(device: Device, broker: Broker, policies: Readonly<Policies>): Promise<Shown> {
  const certificate = await broker.findCertificate(device.factoryCertificate);
  if (certificate === undefined) return absent(device);
  const wanted = BROKER_PROJECTION[device.state][device.path];
  if (wanted.factoryCertificate === 'absent') return clear(certificate, broker);
  return activate(device, certificate, { broker, policy: policies[wanted.policy] });
}

/** No connect brings back a certificate of the path `registered`: while the broker does not show it, nothing matches. */
function absent({ path, factoryCertificate }: Device): Shown {
  if (path === 'jitr') return 'absent';
  throw new Fault('broker-stuck', `certificate "${factoryCertificate}": expected it at the broker, where it is not`);
}

/** Names of the IoT policies, one per phase. */
export interface Policies {
  readonly registration: string;
}

async function clear(certificate: BrokerCertificate, broker: Broker): Promise<Shown> {
  if (certificate.status === 'PENDING_TRANSFER') throw stuck(certificate, 'one that can be deleted');
  // Closed already, and it asks again at each connect: that is a fresh registration as it stands.
  if (certificate.status === 'PENDING_ACTIVATION') return 'waiting';
  if (certificate.status === 'ACTIVE') await broker.setStatus(certificate.certificateId, 'INACTIVE');
  for (const policy of await broker.listPolicies(certificate.arn)) await broker.detachPolicy(policy, certificate.arn);
  for (const thing of await broker.listThings(certificate.arn)) await broker.detachThing(thing, certificate.arn);
  await broker.deleteCertificate(certificate.certificateId);
  return 'absent';
}

interface Activation {
  readonly broker: Broker;
  readonly policy: string;
}

async function activate(
  device: Device,
  certificate: BrokerCertificate,
  { broker, policy }: Activation,
): Promise<Shown> {
  const { arn, status, certificateId } = certificate;
  if (status === 'REVOKED' || status === 'PENDING_TRANSFER') {
    throw stuck(certificate, 'one that can be activated');
  }
  // An id with + # * or ${} would have power in topics and policies; it was checked when it was made, and is again.
  const name = parseDeviceId(device.id);
  if (name.outcome === 'refused') throw new Fault('row-malformed', `device row: ${JSON.stringify(name.refusal)}`);
  const [things, policies] = [await broker.listThings(arn), await broker.listPolicies(arn)];
  if (status === 'ACTIVE' && isOnly(things, name.value) && isOnly(policies, policy)) return 'active';
  // ACTIVE goes first and comes last: an active certificate never exists without its policy and its thing (T049).
  if (status === 'ACTIVE') await broker.setStatus(certificateId, 'INACTIVE');
  for (const thing of things) if (thing !== name.value) await broker.detachThing(thing, arn);
  for (const other of policies) if (other !== policy) await broker.detachPolicy(other, arn);
  await broker.createThing(name.value);
  await broker.attachThing(name.value, arn);
  await broker.attachPolicy(policy, arn);
  await broker.setStatus(certificateId, 'ACTIVE');
  return 'active';
}

function stuck({ certificateId, status }: BrokerCertificate, expected: string): Fault {
  return new Fault('broker-stuck', `certificate "${certificateId}": expected ${expected}, got ${status}`);
}

function isOnly(names: readonly string[], wanted: string): boolean {
  return names.length === 1 && names[0] === wanted;
}
