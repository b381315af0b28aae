// Does a signature that does not fit ever leave?
import { createECDH } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { decodeEcdsa } from '../../../shared/signing/ecdsa-signature.ts';
import { signVerified } from '../../../shared/signing/verified-signature.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../../shared/ports.ts';
import { InjectedFault } from '../../fakes/faults.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';

const BYTES = Buffer.from('a certificate to be signed');
const MALFORMED = { name: 'Fault', code: 'answer-malformed' };

/** A home of this algorithm that answers something else than it should. */
function lie(genuine: CertificateSigner, lies: Partial<CertificateSigner>): CertificateSigner {
  const { algorithm } = genuine;
  return { algorithm, publicKey: () => genuine.publicKey(), sign: (bytes) => genuine.sign(bytes), ...lies };
}

describe.each<[SigningAlgorithm]>([['ES256'], ['ES384'], ['EdDSA']])('%s', (algorithm) => {
  const genuine = new SoftwareCertificateSigner(algorithm);
  const other = new SoftwareCertificateSigner(algorithm);

  test('a signature that fits is answered, with the key that made it', async () => {
    expect(await signVerified(genuine, BYTES)).toEqual({
      algorithm,
      publicKey: await genuine.publicKey(),
      signed: BYTES,
      signature: expect.any(Buffer) as Buffer,
    });
    expect(genuine.signed).toEqual([BYTES]);
  });

  test.each<[string, Partial<CertificateSigner>]>([
    ['another key', { sign: (bytes) => other.sign(bytes) }],
    ['other bytes', { sign: () => genuine.sign(Buffer.from('another certificate')) }],
    ['nothing', { sign: () => Promise.resolve(Buffer.alloc(0)) }],
    ['zeros', { sign: () => Promise.resolve(Buffer.alloc(64)) }],
    ['a byte behind it', { sign: async (bytes) => Buffer.concat([await genuine.sign(bytes), Buffer.from([0])]) }],
    ['a public key of another kind', { publicKey: () => new SoftwareCertificateSigner(OTHERS[algorithm]).publicKey() }],
    ['no public key', { publicKey: () => Promise.resolve(Buffer.alloc(0)) }],
  ])('a signature of %s is a fault and seen by nobody', async (_what, lies) => {
    await expect(signVerified(lie(genuine, lies), BYTES)).rejects.toMatchObject(MALFORMED);
  });

  test.each(['publicKey', 'sign'] as const)(
    'what %s throws is thrown: nothing is known to have happened',
    async (on) => {
      for (const kept of [true, false]) {
        genuine.failNext({ on, kept });
        await expect(signVerified(genuine, BYTES)).rejects.toBeInstanceOf(InjectedFault);
      }
      await signVerified(genuine, BYTES);
    },
  );

  test('asks for no signature when the public key is none of its algorithm', async () => {
    const signer = new SoftwareCertificateSigner(algorithm);
    const lies = { publicKey: () => new SoftwareCertificateSigner(OTHERS[algorithm]).publicKey() };
    await expect(signVerified(lie(signer, lies), BYTES)).rejects.toMatchObject(MALFORMED);
    expect(signer.signed).toEqual([]);
  });
});

describe('ES256', () => {
  const genuine = new SoftwareCertificateSigner('ES256');

  test('T007 a good signature as r and s side by side is none of X.509', async () => {
    const sign = async (bytes: Uint8Array) => decodeEcdsa(await genuine.sign(bytes), 'ES256') ?? Buffer.alloc(0);
    await expect(signVerified(lie(genuine, { sign }), BYTES)).rejects.toMatchObject({
      ...MALFORMED,
      message: expect.stringContaining('form of ES256') as string,
    });
  });

  test('T033 a public key is taken with its point uncompressed on a named curve only', async () => {
    const spki = Buffer.from(await genuine.publicKey());
    const point = createECDH('prime256v1');
    point.generateKeys();
    const compressed = Buffer.concat([
      Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
      point.getPublicKey(null, 'compressed'),
    ]);
    // X9.62 4.3.6, hybrid: the same point, told in another way.
    const hybrid = Buffer.from(spki);
    hybrid.set([6 + ((spki.at(-1) ?? 0) & 1)], spki.length - 65);
    const outside = Buffer.concat([spki.subarray(0, -64), Buffer.alloc(64, 1)]);
    for (const key of [compressed, hybrid, outside, Buffer.concat([spki, Buffer.from([0])])]) {
      const publicKey = () => Promise.resolve(key);
      await expect(signVerified(lie(genuine, { publicKey }), BYTES)).rejects.toMatchObject(MALFORMED);
    }
  });
});

const OTHERS = { ES256: 'ES384', ES384: 'EdDSA', EdDSA: 'ES256' } as const;
