// AWS IoT Core's register of certificate authorities, in memory.
import { X509Certificate } from 'node:crypto';

import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import type { AuthorityRegistry } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method =
  | 'register'
  | 'registerIssuing'
  | 'isRegistered'
  | 'stopRegistration'
  | 'setRegistration'
  | 'listCertificates'
  | 'remove';

export class MemoryAuthorityRegistry implements AuthorityRegistry {
  /** Registered CAs by id; `open` means that new certificates may enter. */
  readonly #authorities = new Map<string, { open: boolean }>();
  /** Under which CA a certificate entered: that stays when the CA is removed and registered again. */
  readonly #entered = new Map<string, string>();
  readonly #faults = new Faults<Method>();

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  register(certificatePem: string): Promise<string> {
    return this.#register('register', certificatePem, { open: true });
  }

  registerIssuing(certificatePem: string): Promise<string> {
    return this.#register('registerIssuing', certificatePem, { open: false });
  }

  #register(method: Method, certificatePem: string, state: { open: boolean }): Promise<string> {
    return this.#faults.run(method, () => {
      const certificate = parsePemCertificate(certificatePem);
      if (certificate.outcome === 'refused') throw new Error('CertificateValidationException: cannot be read');
      if (!new X509Certificate(certificatePem).ca) throw new Error('CertificateValidationException: not a CA');
      this.#authorities.set(certificate.value.fingerprint, state);
      return certificate.value.fingerprint;
    });
  }

  isRegistered(caCertificateId: string): Promise<boolean> {
    return this.#faults.run('isRegistered', () => this.#authorities.has(caCertificateId));
  }

  stopRegistration(caCertificateId: string): Promise<void> {
    return this.#faults.run('stopRegistration', () => {
      const authority = this.#authorities.get(caCertificateId);
      if (authority !== undefined) authority.open = false;
    });
  }

  setRegistration(caCertificateId: string, may: 'enter' | 'not-enter'): Promise<void> {
    return this.#faults.run('setRegistration', () => {
      const authority = this.#authorities.get(caCertificateId);
      if (authority !== undefined) authority.open = may === 'enter';
    });
  }

  listCertificates(caCertificateId: string): Promise<readonly string[]> {
    return this.#faults.run('listCertificates', () => {
      if (!this.#authorities.has(caCertificateId)) return [];
      return [...this.#entered].flatMap(([certificate, ca]) => (ca === caCertificateId ? [certificate] : []));
    });
  }

  remove(caCertificateId: string): Promise<void> {
    return this.#faults.run('remove', () => {
      this.#authorities.delete(caCertificateId);
    });
  }

  /** Whether a certificate under this CA could enter now. */
  isOpen(caCertificateId: string): boolean {
    return this.#authorities.get(caCertificateId)?.open === true;
  }

  /** A certificate entered under this CA, or was deleted. */
  enter(certificateId: string, caCertificateId: string): void {
    this.#entered.set(certificateId, caCertificateId);
  }

  leave(certificateId: string): void {
    this.#entered.delete(certificateId);
  }
}
