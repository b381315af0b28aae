// Is a manifest accepted only when a pinned signer signed these very bytes, in a time when it might?
import { generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto';

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Anchor } from '../../../shared/identity/anchor.ts';
import { parseDetachedSignature, signatureHeader, startManifestCheck } from '../../../shared/whitelist/signature.ts';
import { anchorOf, makeSigner, type Party } from '../../pki/certificates.ts';
import { P384 } from '../../pki/keys.ts';
import { signManifest } from '../../pki/sign-manifest.ts';
import { check, MANIFEST, NOW, reasonOf, SIGNED_AT, withKey } from './signed.ts';

let party: Party;
let signer: Anchor;
let jws: string;

beforeAll(async () => {
  party = await makeSigner();
  signer = anchorOf(party, 'signer');
  jws = await signManifest(MANIFEST, party, SIGNED_AT);
});

test('accepts the file that the signer signed, and says what was proved', () => {
  expect(check({ jws, manifest: MANIFEST, signer })).toEqual({
    outcome: 'done',
    value: {
      digest: hash('sha256', MANIFEST),
      manufacturer: 'acme',
      signer: party.certificate.fingerprint,
      signedAt: SIGNED_AT,
    },
  });
});

test('accepts it in whatever pieces it is read, and with a line end behind the signature', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(MANIFEST.length), { maxLength: 5 }), (cuts) => {
      const signature = parseDetachedSignature(`${jws}\n`);
      const started = signature.outcome === 'done' ? startManifestCheck(signature.value, signer, NOW) : signature;
      if (started.outcome === 'refused') throw new Error(JSON.stringify(started.refusal));
      const places = [0, ...cuts.sort((a, b) => a - b), MANIFEST.length];
      places.forEach((from, index) => {
        started.value.update(Buffer.from(MANIFEST.slice(from, places[index + 1])));
      });
      expect(reasonOf(started.value.finish())).toBe('accepted');
    }),
  );
});

describe('T002 refuses what was changed', () => {
  const flip = (text: string, at: number) => {
    const bytes = Buffer.from(text);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };

  test('in any byte of header or signature', () => {
    for (let at = 0; at < jws.length; at += 1) {
      const changed = flip(jws, at).toString('latin1');
      expect(reasonOf(check({ jws: changed, manifest: MANIFEST, signer })), `byte ${at}`).not.toBe('accepted');
    }
  });

  test('in any byte of the manifest', () => {
    for (let at = 0; at < MANIFEST.length; at += 1) {
      const verdict = check({ jws, manifest: flip(MANIFEST, at), signer });
      expect(reasonOf(verdict), `byte ${at}`).toBe('signature-invalid');
    }
  });

  test.each([
    ['a line more', `${MANIFEST}{"serial":"B1"}\n`],
    ['a line less', MANIFEST.slice(0, MANIFEST.indexOf('\n') + 1)],
    ['other line ends', MANIFEST.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${MANIFEST}`],
    ['nothing', ''],
  ])('with %s', (_title, manifest) => {
    expect(reasonOf(check({ jws, manifest, signer }))).toBe('signature-invalid');
  });
});

describe('signer', () => {
  test('refuses a signer that nobody pinned', () => {
    expect(check({ jws, manifest: MANIFEST, signer: undefined })).toEqual({
      outcome: 'refused',
      refusal: { reason: 'signer-unknown', signer: party.certificate.fingerprint },
    });
  });

  test('T003 refuses another certificate of the same name: trust is by certificate hash', async () => {
    const twin = await makeSigner('Acme Manifest Signer', { key: 'twin' });
    const forged = await signManifest(MANIFEST, twin, SIGNED_AT);
    expect(twin.certificate.x509.subject).toBe(party.certificate.x509.subject);
    expect(reasonOf(check({ jws: forged, manifest: MANIFEST, signer }))).toBe('signer-unknown');
  });

  test('T003 refuses the hash of the pinned certificate over the signature of another', async () => {
    const twin = await makeSigner('Acme Manifest Signer', { key: 'twin' });
    const forged = await signManifest(MANIFEST, { ...twin, certificate: party.certificate }, SIGNED_AT);
    expect(reasonOf(check({ jws: forged, manifest: MANIFEST, signer }))).toBe('signature-invalid');
  });

  test('T003 refuses another certificate even of the same key', async () => {
    const again = await makeSigner('Acme Manifest Signer', { serialNumber: '02' });
    const other = await signManifest(MANIFEST, again, SIGNED_AT);
    expect(reasonOf(check({ jws: other, manifest: MANIFEST, signer }))).toBe('signer-unknown');
  });

  test('refuses an anchor that was pinned for certificates, not for manifests', () => {
    expect(reasonOf(check({ jws, manifest: MANIFEST, signer: anchorOf(party, 'authority') }))).toBe('signer-unknown');
  });

  test('refuses a key that is not on P-256 (RFC 7518 3.4), even one whose signature has the same length', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    expect(reasonOf(check({ jws: signedBy(privateKey), manifest: MANIFEST, signer: withKey(signer, publicKey) }))).toBe(
      'signature-invalid',
    );
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const good = { jws: signedBy(p256.privateKey), manifest: MANIFEST, signer: withKey(signer, p256.publicKey) };
    expect(reasonOf(check(good))).toBe('accepted');
  });

  test('refuses the signature of a P-384 signer', async () => {
    const p384 = await makeSigner('Acme P-384', { curve: P384 });
    const header = signatureHeader(p384.certificate.fingerprint, SIGNED_AT);
    const anchor = anchorOf(p384, 'signer');
    for (const bytes of [64, 96]) {
      const signature = `${header}..${Buffer.alloc(bytes, 1).toString('base64url')}`;
      expect(reasonOf(check({ jws: signature, manifest: MANIFEST, signer: anchor }))).not.toBe('accepted');
    }
  });

  function signedBy(key: KeyObject): string {
    const header = signatureHeader(party.certificate.fingerprint, SIGNED_AT);
    const value = sign('sha256', Buffer.from(`${header}.${MANIFEST}`), { key, dsaEncoding: 'ieee-p1363' });
    return `${header}..${value.toString('base64url')}`;
  }
});

describe('time of signing', () => {
  const VALID = { notBefore: '2026-03-01T00:00:00Z', notAfter: '2026-09-01T00:00:00Z' };

  test.each([
    ['T004 one second before the signer was valid', '2026-02-28T23:59:59Z', 'signer-not-valid'],
    ['the first moment', '2026-03-01T00:00:00Z', 'accepted'],
    ['the last moment, imported long after', '2026-09-01T00:00:00Z', 'accepted'],
    ['T004 one second after the signer was valid', '2026-09-01T00:00:01Z', 'signer-not-valid'],
  ])('%s (%s): %s', async (_title, signedAt, expected) => {
    const temporary = await makeSigner('Temporary Signer', VALID);
    const signed = await signManifest(MANIFEST, temporary, signedAt);
    expect(reasonOf(check({ jws: signed, manifest: MANIFEST, signer: anchorOf(temporary, 'signer') }))).toBe(expected);
  });

  test('T005 a signer without an end (9999-12-31T23:59:59Z) may sign', async () => {
    const endless = await makeSigner('Endless Signer', { notAfter: '9999-12-31T23:59:59Z' });
    const signed = await signManifest(MANIFEST, endless, SIGNED_AT);
    expect(reasonOf(check({ jws: signed, manifest: MANIFEST, signer: anchorOf(endless, 'signer') }))).toBe('accepted');
  });

  test('refuses what says it was signed later than now', async () => {
    const signed = await signManifest(MANIFEST, party, '2026-11-24T12:00:01Z');
    expect(check({ jws: signed, manifest: MANIFEST, signer })).toEqual({
      outcome: 'refused',
      refusal: { reason: 'signed-in-future', signedAt: '2026-11-24T12:00:01.000Z', now: NOW },
    });
    const justNow = await signManifest(MANIFEST, party, NOW);
    expect(reasonOf(check({ jws: justNow, manifest: MANIFEST, signer }))).toBe('accepted');
  });
});
