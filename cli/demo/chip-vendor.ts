// A chip vendor of the demo: secure elements with keys and certificates inside, and a manifest in the format of the
// Microchip Trust Platform that is shipped with every reel. Its CA is one that nobody here can register.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { issueAuthority, issueCertificate, issueSigner, makeKey, type Issued } from '../station/certificates.ts';

export interface Reel {
  readonly rootFile: string;
  readonly signerFile: string;
  readonly manifestFile: string;
  /** The secure elements, with the serial numbers that the manifest spells. */
  readonly chips: readonly Chip[];
}

export interface Chip extends Issued {
  readonly serial: string;
}

/** Writes `<lot>.json` with so many chips, and the certificates to trust, into the folder. */
export async function makeReel(folder: string, lot: string, chips: number): Promise<Reel> {
  const root = await makeIssuer('chip vendor root', issueAuthority);
  const signer = await makeIssuer('chip vendor manifest signer', (name, key) => issueSigner(name, key, root));
  const serials = Array.from({ length: chips }, () => `0123${randomBytes(7).toString('hex')}`);
  const made: Chip[] = [];
  for (const serial of serials) made.push({ serial, ...(await issueCertificate(`sn${serial.toUpperCase()}`, root)) });
  const entries = made.map((chip) => listChip(chip.serial, chip, signer));
  const [rootFile, signerFile] = [join(folder, `${lot}-root.pem`), join(folder, `${lot}-signer.pem`)];
  const manifestFile = join(folder, `${lot}.json`);
  writeFileSync(rootFile, root.certificate);
  writeFileSync(signerFile, signer.certificate);
  writeFileSync(manifestFile, JSON.stringify(entries, null, 1));
  return { rootFile, signerFile, manifestFile, chips: made };
}

async function makeIssuer(name: string, issue: (name: string, key: string) => Promise<string>): Promise<Issued> {
  const key = await makeKey();
  return { certificate: await issue(name, key), key };
}

/** One JWS (RFC 7515, general shape with an unprotected header that repeats the id). */
function listChip(uniqueId: string, { certificate }: Issued, signer: Issued) {
  const { x, y } = createPublicKey(certificate).export({ format: 'jwk' });
  const x5c = [new X509Certificate(certificate).raw.toString('base64')];
  const payload = encode({
    version: 1,
    model: 'demo secure element',
    provisioningTimestamp: new Date(Date.now()).toISOString(),
    uniqueId,
    publicKeySet: { keys: [{ kid: '0', kty: 'EC', crv: 'P-256', x, y, x5c }] },
  });
  const fingerprint = createHash('sha256').update(new X509Certificate(signer.certificate).raw).digest('base64url');
  const header = encode({ alg: 'ES256', kid: 'demo', typ: 'JWT', 'x5t#S256': fingerprint });
  const key = { key: createPrivateKey(signer.key), dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url');
  return { payload, protected: header, header: { uniqueId }, signature };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
