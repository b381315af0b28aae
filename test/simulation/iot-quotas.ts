// How many calls a second does AWS IoT Core take of an account? Its defaults, as token buckets in virtual time.
// https://docs.aws.amazon.com/general/latest/gr/iot-core.html
import type { Broker } from '../../shared/ports.ts';
import type { VirtualTime } from './virtual-time.ts';

export type BrokerCall = Exclude<keyof Broker, symbol>;

export const PER_SECOND: Readonly<Record<BrokerCall, number>> = {
  findCertificate: 10, // DescribeCertificate
  registerCertificate: 10, // RegisterCertificateWithoutCA
  registerIssued: 10, // RegisterCertificate
  setStatus: 10, // UpdateCertificate
  createThing: 100,
  attachThing: 100, // AttachThingPrincipal
  attachPolicy: 15, // AttachPolicy and DetachPolicy draw on quotas of one size
  listThings: 10, // ListPrincipalThings
  listPolicies: 15, // ListAttachedPolicies
  detachThing: 100,
  detachPolicy: 15,
  deleteCertificate: 10,
  deleteThing: 100,
  listPolicyTargets: 10,
};

interface Bucket {
  tokens: number;
  at: number;
}

/** One bucket for each kind of call, which holds what one second allows. */
export class IotQuotas {
  readonly #time: VirtualTime;
  readonly #buckets = new Map<string, Bucket>();
  /** Calls that were let through, by kind. */
  readonly taken = new Map<BrokerCall, number>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** False: the call is throttled. */
  take(call: BrokerCall): boolean {
    const allowed = this.takeOf(call, PER_SECOND[call]);
    if (allowed) this.taken.set(call, (this.taken.get(call) ?? 0) + 1);
    return allowed;
  }

  takeOf(kind: string, perSecond: number): boolean {
    const { tokens, at } = this.#buckets.get(kind) ?? { tokens: perSecond, at: this.#time.ms };
    const present = Math.min(perSecond, tokens + ((this.#time.ms - at) * perSecond) / 1000);
    const allowed = present >= 1;
    this.#buckets.set(kind, { tokens: allowed ? present - 1 : present, at: this.#time.ms });
    return allowed;
  }
}
