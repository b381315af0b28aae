// What must every home of a signing key do? Keep the key, show its public half, and sign so that everybody can verify it.
import { createPublicKey, verify, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { decodeEcdsa } from '../../shared/signing/ecdsa-signature.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { openssl, present } from '../counterparts/openssl.ts';
import { deviceUnder, rootOf } from './certificate-signer-certificates.ts';

export interface CertificateSignerStage {
  /** What this home can do. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** The same key with every call. */
  readonly signer: (algorithm: SigningAlgorithm) => CertificateSigner;
}

export function certificateSignerContract(name: string, { algorithms, signer: open }: CertificateSignerStage): void {
  describe.each(algorithms)(`certificate signer contract: ${name}, %s`, (algorithm) => {
    let signer: CertificateSigner;
    let key: KeyObject;

    beforeAll(async () => {
      signer = open(algorithm);
      key = createPublicKey({ key: Buffer.from(await signer.publicKey()), format: 'der', type: 'spki' });
    });

    const isGood = (bytes: Uint8Array, signature: Uint8Array) => verify(DIGESTS[algorithm], bytes, key, signature);

    test('shows the public key of its algorithm, the same one each time', async () => {
      const { asymmetricKeyType, asymmetricKeyDetails } = key;
      expect(signer.algorithm).toBe(algorithm);
      expect(asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType).toBe(CURVES[algorithm]);
      expect(Buffer.from(await signer.publicKey())).toEqual(key.export({ format: 'der', type: 'spki' }));
      expect(await open(algorithm).publicKey()).toEqual(await signer.publicKey());
    });

    test.each(algorithm === 'EdDSA' ? LENGTHS : [...LENGTHS, 100_000])('signs %i bytes', async (length) => {
      const bytes = Buffer.alloc(length, 'wardkey');
      const signature = await signer.sign(bytes);
      expect(isGood(bytes, signature)).toBe(true);
      expect(isGood(Buffer.concat([bytes, Buffer.from([0])]), signature)).toBe(false);
    });

    test('T007 answers in the one form that X.509 has for it, also when r or s are short', async () => {
      // One r or s in 128 begins with a zero byte or none that it needs: forty pairs hold both forms for sure enough.
      for (let count = 0; count < 40; count += 1) {
        const bytes = Buffer.from(`certificate ${count}`);
        const signature = await signer.sign(bytes);
        expect(isGood(bytes, signature)).toBe(true);
        if (algorithm === 'EdDSA') expect(signature).toHaveLength(64);
        else expect(decodeEcdsa(signature, algorithm)).toBeDefined();
      }
    });

    test('keeps apart what is asked at the same time', async () => {
      const orders = Array.from({ length: 16 }, (_, index) => Buffer.from(`order ${index}`));
      const signatures = await Promise.all(orders.map((bytes) => signer.sign(bytes)));
      const wrong = orders.filter((bytes, index) => !isGood(bytes, signatures[index] ?? Buffer.alloc(0)));
      expect(wrong).toEqual([]);
    });

    test('signs certificates that node:crypto takes for those of its key', async () => {
      const [root, device] = [
        new X509Certificate(await rootOf(signer)),
        new X509Certificate(await deviceUnder(signer)),
      ];
      expect([root.verify(key), device.verify(key), device.checkIssued(root)]).toEqual([true, true, true]);
    });

    test.skipIf(!present)('signs certificates that openssl verify accepts, and no changed ones', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'wardkey-signer-'));
      onTestFinished(() => {
        rmSync(folder, { recursive: true, force: true });
      });
      const device = await deviceUnder(signer);
      const changed = Buffer.from(device);
      changed.set([changed.at(-1) === 1 ? 2 : 1], changed.length - 1);
      writeFileSync(join(folder, 'root.pem'), pemOf(await rootOf(signer)));
      writeFileSync(join(folder, 'device.pem'), pemOf(device));
      writeFileSync(join(folder, 'changed.pem'), pemOf(changed));
      const check = (file: string) =>
        openssl(folder, 'verify', '-x509_strict', '-no-CApath', '-no-CAstore', '-CAfile', 'root.pem', file);
      expect(check('root.pem')).toMatchObject({ ok: true });
      expect(check('device.pem')).toMatchObject({ ok: true });
      expect(check('changed.pem')).toMatchObject({ ok: false });
    });
  });
}

function pemOf(certificate: Buffer): string {
  return new X509Certificate(certificate).toString();
}

const LENGTHS = [1, 32, 4096];
const DIGESTS = { ES256: 'sha256', ES384: 'sha384', EdDSA: undefined } as const;
const CURVES = { ES256: 'prime256v1', ES384: 'secp384r1', EdDSA: 'ed25519' } as const;
