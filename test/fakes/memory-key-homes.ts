// AWS KMS as far as signing needs it: keys by their ARN, each call to Sign reported, and keys that somebody disables.
import { Fault } from '../../shared/outcome.ts';
import type { CertificateSigner, KeyHomes, KmsKey, SignatureAttempt } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'publicKey' | 'sign';
type Record = (attempt: SignatureAttempt) => Promise<void>;

export interface SignedBytes {
  readonly keyArn: string;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

export class MemoryKeyHomes implements KeyHomes {
  /** Every signature that was made, also those that nobody was answered. */
  readonly signed: SignedBytes[] = [];
  readonly #keys = new Map<string, CertificateSigner>();
  readonly #disabled = new Set<string>();
  readonly #faults = new Faults<Method>();
  #calls = 0;

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  add(keyArn: string, signer: CertificateSigner): void {
    this.#keys.set(keyArn, signer);
  }

  disable(keyArn: string): void {
    this.#disabled.add(keyArn);
  }

  enable(keyArn: string): void {
    this.#disabled.delete(keyArn);
  }

  open(key: KmsKey, record: Record): CertificateSigner {
    return {
      algorithm: key.algorithm,
      publicKey: () => this.#faults.run('publicKey', () => this.#signerOf(key).publicKey()),
      sign: (bytes) => this.#sign(key, bytes, record),
    };
  }

  async #sign(key: KmsKey, bytes: Uint8Array, record: Record): Promise<Uint8Array> {
    this.#calls += 1;
    const attempt = { keyArn: key.keyArn, number: 1, requestId: `kms-${this.#calls}` };
    const answer = await this.#call(key, bytes).catch((error: unknown) => ({ error }));
    if ('signature' in answer) {
      await record({ ...attempt, error: undefined });
      return answer.signature;
    }
    await record({ ...attempt, error: answer.error instanceof Error ? answer.error.name : 'unknown' });
    throw answer.error;
  }

  #call(key: KmsKey, bytes: Uint8Array): Promise<SignedBytes> {
    return this.#faults.run('sign', async () => {
      if (this.#disabled.has(key.keyArn)) throw unusable(key.keyArn);
      const signature = await this.#signerOf(key).sign(bytes);
      const signed = { keyArn: key.keyArn, bytes, signature };
      this.signed.push(signed);
      return signed;
    });
  }

  #signerOf({ keyArn, algorithm }: KmsKey): CertificateSigner {
    const signer = this.#keys.get(keyArn);
    if (signer?.algorithm === algorithm) return signer;
    throw unusable(keyArn);
  }
}

function unusable(keyArn: string): Fault {
  return new Fault('key-unusable', `KMS key "${keyArn}": told to be unusable`);
}
