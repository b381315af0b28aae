// The queue to align-broker in memory: remembers what was asked for.
import type { AlignmentQueue } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'request' | 'requestCertificate';

export class MemoryAlignmentQueue implements AlignmentQueue {
  /** Device ids, in order, repeats included. */
  readonly requested: string[] = [];
  /** Certificate ids, likewise. */
  readonly requestedCertificates: string[] = [];
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
}
