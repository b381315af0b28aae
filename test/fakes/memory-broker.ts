// AWS IoT Core's certificates, things and policy attachments in memory, with the rules that AWS documents. Stricter than
// the local cloud, which lets a revoked certificate come back and ignores EXCLUSIVE_THING.
import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import type { Broker, BrokerCertificate, BrokerStatus } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';
import type { MemoryAuthorityRegistry } from './memory-authority-registry.ts';

type Method = Exclude<keyof Broker, symbol>;

export interface BrokerOptions {
  /** Names of the IoT policies that exist. */
  readonly policies?: readonly string[];
  /** With it, a first connect is heard only under a CA that is registered there and open. */
  readonly authorities?: MemoryAuthorityRegistry;
}

export interface Attached {
  readonly things?: readonly string[];
  readonly policies?: readonly string[];
  readonly pem?: string;
}

interface Certificate {
  status: BrokerStatus;
  readonly things: Set<string>;
  readonly policies: Set<string>;
  pem: string;
}

/** An error by the name that AWS IoT Core gives it. */
export class BrokerError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export class MemoryBroker implements Broker {
  /** Calls that change something, in order, such as `setStatus <id> ACTIVE`; with failing ones that had an effect. */
  readonly changes: string[] = [];
  readonly #certificates = new Map<string, Certificate>();
  readonly #things = new Set<string>();
  readonly #policies: ReadonlySet<string>;
  readonly #authorities: MemoryAuthorityRegistry | undefined;
  readonly #faults = new Faults<Method>();

  constructor({ policies = ['registration'], authorities }: BrokerOptions = {}) {
    this.#policies = new Set(policies);
    this.#authorities = authorities;
  }

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  get things(): readonly string[] {
    return [...this.#things];
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  /**
   * A device connects. Unknown: registered as PENDING_ACTIVATION and announced; still pending: announced again; closed
   * without a word in every other state but ACTIVE with a policy and a thing.
   */
  connect(certificateId: string, ca: string, pem = ''): 'announced' | 'closed' | 'connected' {
    const known = this.#certificates.get(certificateId);
    if (known === undefined) return this.#enter(certificateId, ca, pem);
    if (known.status === 'PENDING_ACTIVATION') return 'announced';
    return known.status === 'ACTIVE' && known.policies.size > 0 && known.things.size > 0 ? 'connected' : 'closed';
  }

  /** Sets the scene: the certificate is there with this status, attached to nothing unless told; no rule is checked. */
  seed(certificateId: string, status: BrokerStatus, { things = [], policies = [], pem = '' }: Attached = {}): void {
    for (const thing of things) this.#things.add(thing);
    this.#certificates.set(certificateId, { status, things: new Set(things), policies: new Set(policies), pem });
  }

  arnOf(certificateId: string): string {
    return `arn:aws:iot:eu-central-1:000000000000:cert/${certificateId}`;
  }

  findCertificate(certificateId: string): Promise<BrokerCertificate | undefined> {
    return this.#faults.run('findCertificate', () => {
      const known = this.#certificates.get(certificateId);
      if (known === undefined) return undefined;
      return { certificateId, arn: this.arnOf(certificateId), status: known.status, pem: known.pem };
    });
  }

  registerCertificate(certificatePem: string): Promise<void> {
    return this.#register('registerCertificate', certificatePem);
  }

  registerIssued(certificatePem: string): Promise<void> {
    return this.#register('registerIssued', certificatePem);
  }

  #register(method: 'registerCertificate' | 'registerIssued', certificatePem: string): Promise<void> {
    return this.#faults.run(method, () => {
      const certificate = parsePemCertificate(certificatePem);
      if (certificate.outcome === 'refused') throw new BrokerError('CertificateValidationException', 'cannot be read');
      const { fingerprint } = certificate.value;
      // One that is there already is left as it is, whatever its status and attachments.
      if (this.#certificates.has(fingerprint)) return;
      this.seed(fingerprint, 'INACTIVE', { pem: certificatePem });
      this.changes.push(`${method} ${fingerprint}`);
    });
  }

  setStatus(certificateId: string, status: 'ACTIVE' | 'INACTIVE' | 'REVOKED'): Promise<void> {
    return this.#change('setStatus', [certificateId, status], () => {
      const known = this.#known(this.arnOf(certificateId));
      if (status === 'ACTIVE' && (known.status === 'REVOKED' || known.status === 'PENDING_TRANSFER')) {
        throw new BrokerError(
          'CertificateStateException',
          `a certificate that is ${known.status} cannot become ACTIVE`,
        );
      }
      known.status = status;
    });
  }

  createThing(name: string): Promise<void> {
    return this.#change('createThing', [name], () => {
      this.#things.add(name);
    });
  }

  attachThing(name: string, certificateArn: string): Promise<void> {
    return this.#change('attachThing', [name, idOf(certificateArn)], () => {
      const { things } = this.#known(certificateArn);
      if (!this.#things.has(name)) throw new BrokerError('ResourceNotFoundException', `thing "${name}"`);
      if ([...things].some((other) => other !== name)) {
        throw new BrokerError('ResourceConflictException', 'EXCLUSIVE_THING: attached to another thing');
      }
      things.add(name);
    });
  }

  attachPolicy(policy: string, certificateArn: string): Promise<void> {
    return this.#change('attachPolicy', [policy, idOf(certificateArn)], () => {
      const known = this.#known(certificateArn);
      if (!this.#policies.has(policy)) throw new BrokerError('ResourceNotFoundException', `policy "${policy}"`);
      known.policies.add(policy);
    });
  }

  listThings(certificateArn: string): Promise<readonly string[]> {
    return this.#faults.run('listThings', () => [...this.#known(certificateArn).things]);
  }

  listPolicies(certificateArn: string): Promise<readonly string[]> {
    return this.#faults.run('listPolicies', () => [...this.#known(certificateArn).policies]);
  }

  detachThing(name: string, certificateArn: string): Promise<void> {
    return this.#change('detachThing', [name, idOf(certificateArn)], () => {
      this.#certificates.get(idOf(certificateArn))?.things.delete(name);
    });
  }

  detachPolicy(policy: string, certificateArn: string): Promise<void> {
    return this.#change('detachPolicy', [policy, idOf(certificateArn)], () => {
      this.#certificates.get(idOf(certificateArn))?.policies.delete(policy);
    });
  }

  deleteCertificate(certificateId: string): Promise<void> {
    return this.#change('deleteCertificate', [certificateId], () => {
      const known = this.#certificates.get(certificateId);
      if (known === undefined) return;
      if (known.status !== 'INACTIVE' && known.status !== 'REVOKED') {
        throw new BrokerError('CertificateStateException', `expected INACTIVE or REVOKED, got ${known.status}`);
      }
      if (known.things.size + known.policies.size > 0) {
        throw new BrokerError('DeleteConflictException', 'things or policies are attached');
      }
      this.#certificates.delete(certificateId);
      this.#authorities?.leave(certificateId);
    });
  }

  deleteThing(name: string): Promise<void> {
    return this.#change('deleteThing', [name], () => {
      if ([...this.#certificates.values()].some(({ things }) => things.has(name))) {
        throw new BrokerError('InvalidRequestException', `thing "${name}" has certificates attached`);
      }
      this.#things.delete(name);
    });
  }

  listPolicyTargets(policy: string): Promise<readonly string[]> {
    return this.#faults.run('listPolicyTargets', () =>
      [...this.#certificates].flatMap(([id, { policies }]) => (policies.has(policy) ? [this.arnOf(id)] : [])),
    );
  }

  #enter(certificateId: string, ca: string, pem: string): 'announced' | 'closed' {
    if (this.#authorities?.isOpen(ca) === false) return 'closed';
    this.seed(certificateId, 'PENDING_ACTIVATION', { pem });
    this.#authorities?.enter(certificateId, ca);
    return 'announced';
  }

  #change(method: Method, values: readonly string[], effect: () => void): Promise<void> {
    return this.#faults.run(method, () => {
      effect();
      this.changes.push([method, ...values].join(' '));
    });
  }

  #known(certificateArn: string): Certificate {
    const known = this.#certificates.get(idOf(certificateArn));
    if (known !== undefined) return known;
    throw new BrokerError('ResourceNotFoundException', `certificate "${certificateArn}"`);
  }
}

function idOf(certificateArn: string): string {
  return certificateArn.slice(certificateArn.lastIndexOf('/') + 1);
}
