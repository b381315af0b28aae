// May this worker still act? Every call that changes the broker asks the lease once more.
import type { Broker } from '../../../shared/ports.ts';
import type { HeldLease } from '../../lease.ts';

/** The same broker, whose changes throw once the lease has ended, or is about to. */
export function fence(broker: Broker, lease: Pick<HeldLease, 'check'>): Broker {
  const held = async (change: () => Promise<void>) => {
    lease.check();
    await change();
  };
  return {
    findCertificate: (certificateId) => broker.findCertificate(certificateId),
    listThings: (arn) => broker.listThings(arn),
    listPolicies: (arn) => broker.listPolicies(arn),
    listPolicyTargets: (policy) => broker.listPolicyTargets(policy),
    registerCertificate: (pem) => held(() => broker.registerCertificate(pem)),
    registerIssued: (pem) => held(() => broker.registerIssued(pem)),
    setStatus: (certificateId, status) => held(() => broker.setStatus(certificateId, status)),
    createThing: (name) => held(() => broker.createThing(name)),
    attachThing: (name, arn) => held(() => broker.attachThing(name, arn)),
    attachPolicy: (policy, arn) => held(() => broker.attachPolicy(policy, arn)),
    detachThing: (name, arn) => held(() => broker.detachThing(name, arn)),
    detachPolicy: (policy, arn) => held(() => broker.detachPolicy(policy, arn)),
    deleteCertificate: (certificateId) => held(() => broker.deleteCertificate(certificateId)),
    deleteThing: (name) => held(() => broker.deleteThing(name)),
  };
}
