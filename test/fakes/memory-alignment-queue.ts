// The queue to align-broker in memory: remembers what was asked for.
import type { AlignmentQueue } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'request' | 'requestCertificate' | 'requestRevocation' | 'requestAuthority';

export class MemoryAlignmentQueue implements AlignmentQueue {
  /** Device ids, in order, repeats included. */
  readonly requested: string[] = [];
  /** Certificate ids, likewise. */
  readonly requestedCertificates: string[] = [];
  /** Certificates to revoke, likewise. */
  readonly requestedRevocations: string[] = [];
  /** IoT Core's ids of CAs, likewise. */
  readonly requestedAuthorities: string[] = [];
  readonly #faults = new Faults<Method>();

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  request(device: string): Promise<void> {
    return this.#faults.run('request', () => {
      this.requested.push(device);
    });
  }

  requestCertificate(certificateId: string): Promise<void> {
    return this.#faults.run('requestCertificate', () => {
      this.requestedCertificates.push(certificateId);
    });
  }

  requestRevocation(certificateId: string): Promise<void> {
    return this.#faults.run('requestRevocation', () => {
      this.requestedRevocations.push(certificateId);
    });
  }

  requestAuthority(caCertificateId: string): Promise<void> {
    return this.#faults.run('requestAuthority', () => {
      this.requestedAuthorities.push(caCertificateId);
    });
  }
}
