// A signing key in this process, for tests: it keeps the promises of a key home, but for keeping the key at home.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'publicKey' | 'sign';

export class SoftwareCertificateSigner implements CertificateSigner {
  readonly algorithm: SigningAlgorithm;
  /** What was signed, in order. */
  readonly signed: Uint8Array[] = [];
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly #faults = new Faults<Method>();

  constructor(algorithm: SigningAlgorithm = 'ES256') {
    this.algorithm = algorithm;
    this.#keys =
      algorithm === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: algorithm === 'ES256' ? 'P-256' : 'P-384' });
  }

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  publicKey(): Promise<Uint8Array> {
    return this.#faults.run('publicKey', () => this.#keys.publicKey.export({ format: 'der', type: 'spki' }));
  }

  sign(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#faults.run('sign', () => {
      this.signed.push(bytes);
      return sign(DIGESTS[this.algorithm], bytes, this.#keys.privateKey);
    });
  }
}

const DIGESTS = { ES256: 'sha256', ES384: 'sha384', EdDSA: undefined } as const;
