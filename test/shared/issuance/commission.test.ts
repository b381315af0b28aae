// Does a certificate leave only as it was prepared, signed by the key that was meant?
import { beforeAll, describe, expect, test } from 'vitest';

import { readSigned } from '../../../shared/identity/certificate-body.ts';
import { commission, readCommissioned } from '../../../shared/issuance/commission.ts';
import { prepareOperational } from '../../../shared/issuance/prepare.ts';
import { assemble } from '../../../shared/issuance/profile.ts';
import { signVerified, verifyAnswer } from '../../../shared/signing/verified-signature.ts';
import type { SigningAlgorithm } from '../../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';
import { keysOf, spkiOf } from '../../pki/crafted.ts';
import { children, tlv, withLongLength } from '../../pki/der.ts';
import { issue, makeAuthorities, orderOf, requestOf, serial, valueOf, type Authorities } from './orders.ts';

const fault = (code: string, message = '') =>
  expect.objectContaining({ name: 'Fault', code, message: expect.stringContaining(message) as string }) as Error;

describe.each<[SigningAlgorithm]>([['ES256'], ['ES384'], ['EdDSA']])('under %s', (algorithm) => {
  let authorities: Authorities;
  beforeAll(async () => {
    authorities = await makeAuthorities(algorithm);
  });

  test('a certificate holds the bytes that were prepared, and is read back as itself', async () => {
    const { issuing } = authorities;
    const prepared = valueOf(prepareOperational(orderOf(issuing.issuer)));
    const verified = await signVerified(issuing.signer, prepared.tbs);
    const issued = commission(prepared, verified);
    expect(issued.prepared).toBe(prepared);
    expect(issued.fingerprint).toBe(issued.certificate.fingerprint);
    expect(issued.certificate).toMatchObject({
      notBefore: prepared.notBefore,
      notAfter: prepared.notAfter,
      keyFingerprint: requestOf().keyFingerprint,
      isAuthority: false,
    });
    const signed = readSigned(issued.der);
    expect(signed?.content.whole).toEqual(prepared.tbs);
    expect(signed?.signature).toEqual(verified.signature);
    expect(issued.certificate.x509.verify(issuing.issued.certificate.x509.publicKey)).toBe(true);
  });

  test('a signature by another key is a fault, also by one of the same algorithm', async () => {
    const prepared = valueOf(prepareOperational(orderOf(authorities.issuing.issuer)));
    for (const signer of [authorities.root.signer, new SoftwareCertificateSigner(algorithm)]) {
      const verified = await signVerified(signer, prepared.tbs);
      expect(() => commission(prepared, verified)).toThrow(fault('answer-malformed', 'another key'));
    }
  });

  test('a signature over other bytes is a fault, also over those of another certificate of the same issuer', async () => {
    const { issuer, signer } = authorities.issuing;
    const prepared = valueOf(prepareOperational(orderOf(issuer)));
    const other = valueOf(prepareOperational(orderOf(issuer, { serial: serial(8) })));
    const verified = await signVerified(signer, other.tbs);
    expect(() => commission(prepared, verified)).toThrow(fault('answer-malformed', 'other bytes'));
  });

  test('T036 what our own reader does not find again is a fault: bytes that are no DER, a key in another spelling', async () => {
    const { issuer, signer } = authorities.issuing;
    const prepared = valueOf(prepareOperational(orderOf(issuer)));
    const tbs = withLongLength(Buffer.from(prepared.tbs));
    const verified = await signVerified(signer, tbs);
    expect(() => commission({ ...prepared, tbs }, verified)).toThrow(fault('answer-malformed', 'our own reader'));
    const [, bits] = children(spkiOf(keysOf('RSA without NULL', 'RSA'))) as [Buffer, Buffer];
    const publicKey = tlv(0x30, tlv(0x30, Buffer.from('06092a864886f70d010101', 'hex')), bits);
    const other = valueOf(prepareOperational(orderOf(issuer, { request: { ...requestOf(), publicKey } })));
    const signed = await signVerified(signer, other.tbs);
    expect(() => commission(other, signed)).toThrow(fault('answer-malformed', 'another key'));
  });

  test('what was stored is read back as the same', async () => {
    const issued = await issue(authorities.issuing);
    const { certificate, ...again } = readCommissioned(issued.der, authorities.issuing.issuer);
    const { certificate: first, ...before } = issued;
    expect(again).toEqual(before);
    expect(certificate.fingerprint).toBe(first.fingerprint);
  });

  test('authorities are read back from rows too', () => {
    const { root, issuing } = authorities;
    expect(readCommissioned(root.issued.der, undefined, 'root').fingerprint).toBe(root.issued.fingerprint);
    expect(readCommissioned(issuing.issued.der, root.issuer, 'issuing').fingerprint).toBe(issuing.issued.fingerprint);
    expect(() => readCommissioned(issuing.issued.der, root.issuer)).toThrow(fault('row-malformed'));
  });
});

describe('a row that was changed is a fault', () => {
  let authorities: Authorities;
  let der: Buffer;
  beforeAll(async () => {
    authorities = await makeAuthorities();
    der = Buffer.from((await issue(authorities.issuing)).der);
  });
  const read = (bytes: Uint8Array) => () => readCommissioned(bytes, authorities.issuing.issuer);

  test('in any of its bytes', () => {
    for (let at = 0; at < der.length; at += 1) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(read(changed), `byte ${at}`).toThrow(fault('row-malformed'));
    }
  });

  test.each<[string, () => Uint8Array]>([
    ['nothing', () => Buffer.alloc(0)],
    ['a byte behind it', () => Buffer.concat([der, Buffer.from([0])])],
    ['another signature algorithm outside', () => withAlgorithm('300a06082a8648ce3d040303')],
    ['an algorithm with parameters outside', () => withAlgorithm('300c06082a8648ce3d0403020500')],
  ])('%s', (_what, bytes) => {
    expect(read(bytes())).toThrow(fault('row-malformed'));
  });

  test('or signed by somebody else', async () => {
    const { tbs } = valueOf(prepareOperational(orderOf(authorities.issuing.issuer)));
    const stranger = new SoftwareCertificateSigner('ES256');
    const signature = await stranger.sign(tbs);
    expect(read(assemble(tbs, 'ES256', signature))).toThrow(fault('row-malformed'));
  });

  function withAlgorithm(hex: string): Buffer {
    const [content, , signature] = children(der) as [Buffer, Buffer, Buffer];
    return tlv(0x30, content, Buffer.from(hex, 'hex'), signature);
  }
});

describe('an answer that came by a queue', () => {
  test('is taken when it fits, and a fault otherwise', async () => {
    const signer = new SoftwareCertificateSigner('ES256');
    const signed = Buffer.from('prepared bytes');
    const answer = {
      algorithm: 'ES256',
      publicKey: await signer.publicKey(),
      signed,
      signature: await signer.sign(signed),
    } as const;
    expect(verifyAnswer(answer)).toEqual(answer);
    const stranger = await new SoftwareCertificateSigner('ES256').publicKey();
    for (const lie of [{ signed: Buffer.from('other') }, { publicKey: stranger }, { signature: Buffer.alloc(70) }])
      expect(() => verifyAnswer({ ...answer, ...lie })).toThrow(fault('answer-malformed'));
    expect(() => verifyAnswer({ ...answer, algorithm: 'ES384' })).toThrow(fault('answer-malformed'));
  });
});
