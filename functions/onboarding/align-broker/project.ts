// What must be done at AWS IoT Core so that it shows what the device row says? The only calls that change certificates,
// things and their policies.
import { parseDeviceId } from '../../../shared/identity/device-id.ts';
import { projectionOf, type BrokerProjection, type Device } from '../../../shared/lifecycle.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Broker, BrokerCertificate } from '../../../shared/ports.ts';

/** What the broker shows afterwards. `absent`: nothing to activate; the next connect is a fresh registration. */
export type Shown = 'active' | 'inactive' | 'revoked' | 'waiting' | 'absent';

/** Names of the IoT policies, one per phase. */
export interface Policies {
  readonly registration: string;
  readonly operation: string;
}

export interface Projecting {
  readonly broker: Broker;
  readonly policies: Policies;
  /** The certificate itself was refused for good, whatever the device is. */
  readonly revoked: boolean;
}

/** Idempotent; may be interrupted anywhere and done again. A first connect costs one read and four changes. */
export async function projectDevice(
  device: Device,
  { broker, policies, revoked }: Projecting,
): Promise<Shown | 'missing'> {
  const certificate = await broker.findCertificate(device.factoryCertificate);
  const wanted: BrokerProjection = revoked ? { factoryCertificate: 'revoked' } : projectionOf(device);
  if (certificate === undefined) return absent(device, wanted);
  switch (wanted.factoryCertificate) {
    case 'absent':
      return clear(certificate, broker);
    case 'inactive':
      return close(certificate, broker);
    case 'revoked':
      return revoke(certificate, broker);
    case 'active':
      return activate(device, certificate, { broker, policy: policies[wanted.policy] });
  }
}

/** No connect brings back a certificate of the path `registered`: it must be made known first. */
function absent({ path }: Device, { factoryCertificate: wanted }: BrokerProjection): 'absent' | 'missing' {
  return path === 'jitr' || wanted === 'revoked' ? 'absent' : 'missing';
}

/** Taken from the broker altogether; also used for certificates that waited in vain. */
export async function clear(certificate: BrokerCertificate, broker: Broker): Promise<Shown> {
  // Closed already, and it asks again at each connect: that is a fresh registration as it stands.
  if (certificate.status === 'PENDING_ACTIVATION') return 'waiting';
  return remove(certificate, broker);
}

export async function remove(certificate: BrokerCertificate, broker: Broker): Promise<'absent'> {
  const { certificateId, status, arn } = certificate;
  if (status === 'PENDING_TRANSFER') throw stuck(certificate, 'one that can be deleted');
  if (status !== 'INACTIVE' && status !== 'REVOKED') await broker.setStatus(certificateId, 'INACTIVE');
  for (const policy of await broker.listPolicies(arn)) await broker.detachPolicy(policy, arn);
  for (const thing of await broker.listThings(arn)) await broker.detachThing(thing, arn);
  await broker.deleteCertificate(certificateId);
  return 'absent';
}

/** A cut: its policy and thing stay, so that the broker shows whose it was; INACTIVE closes it. */
export async function close(certificate: BrokerCertificate, broker: Broker): Promise<Shown> {
  const { certificateId, status } = certificate;
  if (status === 'PENDING_TRANSFER') throw stuck(certificate, 'one that can be made inactive');
  // REVOKED is more than was asked for, and has no way back.
  if (status === 'REVOKED') return 'revoked';
  if (status !== 'INACTIVE') await broker.setStatus(certificateId, 'INACTIVE');
  return 'inactive';
}

export async function revoke({ certificateId, status }: BrokerCertificate, broker: Broker): Promise<Shown> {
  if (status !== 'REVOKED') await broker.setStatus(certificateId, 'REVOKED');
  return 'revoked';
}

export interface Activation {
  readonly broker: Broker;
  readonly policy: string;
}

export async function activate(
  device: Device,
  certificate: BrokerCertificate,
  { broker, policy }: Activation,
): Promise<Shown> {
  const { arn, status, certificateId } = certificate;
  if (status === 'REVOKED' || status === 'PENDING_TRANSFER') throw stuck(certificate, 'one that can be activated');
  // An id with + # * or ${} would have power in topics and policies; it was checked when it was made, and is again.
  const name = parseDeviceId(device.id);
  if (name.outcome === 'refused') throw new Fault('row-malformed', `device row: ${JSON.stringify(name.refusal)}`);
  // One that waits for its first activation has no former life to clean up after.
  if (status !== 'PENDING_ACTIVATION') {
    const shown = await cleanUp(certificate, { broker, policy, thing: name.value });
    if (shown === 'active') return shown;
  }
  await broker.createThing(name.value);
  await broker.attachThing(name.value, arn);
  await broker.attachPolicy(policy, arn);
  // Last: an active certificate never exists without its policy and its thing (T049).
  await broker.setStatus(certificateId, 'ACTIVE');
  return 'active';
}

interface CleanUp extends Activation {
  readonly thing: string;
}

async function cleanUp(
  certificate: BrokerCertificate,
  { broker, policy, thing }: CleanUp,
): Promise<'active' | 'clean'> {
  const { arn, status, certificateId } = certificate;
  const [things, policies] = [await broker.listThings(arn), await broker.listPolicies(arn)];
  if (status === 'ACTIVE' && isOnly(things, thing) && isOnly(policies, policy)) return 'active';
  // ACTIVE goes first and comes last.
  if (status === 'ACTIVE') await broker.setStatus(certificateId, 'INACTIVE');
  for (const other of things) if (other !== thing) await broker.detachThing(other, arn);
  for (const other of policies) if (other !== policy) await broker.detachPolicy(other, arn);
  return 'clean';
}

function stuck({ certificateId, status }: BrokerCertificate, expected: string): Fault {
  return new Fault('broker-stuck', `certificate "${certificateId}": expected ${expected}, got ${status}`);
}

function isOnly(names: readonly string[], wanted: string): boolean {
  return names.length === 1 && names[0] === wanted;
}
