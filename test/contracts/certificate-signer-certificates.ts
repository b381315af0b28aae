// What is a signature for? Certificates around it, made by the tests: a root of the signer's key and a device under it.
import { generateKeyPairSync, hash } from 'node:crypto';

import { signVerified } from '../../shared/signing/verified-signature.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { basic, CLIENT_AUTH, extension, keyUsage, nameOf, purposes, timeOf } from '../pki/crafted.ts';
import { tlv } from '../pki/der.ts';

/** DER of a self-signed authority whose key is the signer's. */
export async function rootOf(signer: CertificateSigner): Promise<Buffer> {
  const spki = await signer.publicKey();
  return certify(signer, { subject: 'root', spki, extensions: [basic(true), keyUsage('keyCertSign', 'cRLSign')] });
}

/** DER of a device certificate that the signer's authority has issued. */
export function deviceUnder(signer: CertificateSigner): Promise<Buffer> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const extensions = [basic(false), keyUsage('digitalSignature'), purposes(CLIENT_AUTH)];
  return certify(signer, { subject: 'device', spki, extensions });
}

interface Order {
  readonly subject: string;
  readonly spki: Uint8Array;
  readonly extensions: readonly Buffer[];
}

async function certify(signer: CertificateSigner, { subject, spki, extensions }: Order): Promise<Buffer> {
  const algorithm = Buffer.from(ALGORITHMS[signer.algorithm], 'hex');
  const ids = [
    extension('551d0e', tlv(0x04, idOf(spki))),
    extension('551d23', tlv(0x30, tlv(0x80, idOf(await signer.publicKey())))),
  ];
  const tbs = tlv(
    0x30,
    Buffer.from('a003020102', 'hex'),
    tlv(0x02, Buffer.from(`01${hash('sha256', spki).slice(0, 30)}`, 'hex')),
    algorithm,
    nameOf('root'),
    tlv(0x30, timeOf('2026-01-01T00:00:00Z'), timeOf('2046-01-01T00:00:00Z')),
    nameOf(subject),
    Buffer.from(spki),
    tlv(0xa3, tlv(0x30, ...extensions, ...ids)),
  );
  const { signature } = await signVerified(signer, tbs);
  return tlv(0x30, tbs, algorithm, tlv(0x03, Buffer.from([0]), signature));
}

function idOf(spki: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', spki).slice(0, 40), 'hex');
}

/** RFC 5758 3.2 and RFC 8410 3: AlgorithmIdentifier without parameters. */
const ALGORITHMS: Readonly<Record<SigningAlgorithm, string>> = {
  ES256: '300a06082a8648ce3d040302',
  ES384: '300a06082a8648ce3d040303',
  EdDSA: '300506032b6570',
};
