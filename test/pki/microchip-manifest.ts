// A Trust Platform manifest as Microchip writes it, of our own chips: every member can be made wrong on purpose.
import { webcrypto } from 'node:crypto';

import type { Party } from './certificates.ts';
import { P256 } from './keys.ts';

export interface ChipWishes {
  /** The certificate of key "0" and its issuers; none for a chip with bare keys. */
  readonly x5c?: readonly Party[];
  /** Whose x and y stand beside it. */
  readonly key: Party;
  readonly provisioned?: string;
  readonly payload?: object;
  readonly header?: object;
  /** The unsigned copy of the id. */
  readonly copy?: string;
}

export const PROVISIONED = '2026-06-01T20:14:53.773Z';

/** The text of one element of the array. */
export async function makeChip(uniqueId: string, signer: Party, wishes: ChipWishes): Promise<string> {
  const { x, y } = await coordinates(wishes.key);
  const certified = wishes.x5c === undefined ? {} : { x5c: wishes.x5c.map(({ der }) => der.toString('base64')) };
  const keys = [
    { kid: '0', kty: 'EC', crv: 'P-256', x, y, ...certified },
    { kid: '1', kty: 'EC', crv: 'P-256', x, y },
  ];
  const payload = {
    version: 1,
    model: 'ATECC608C',
    manufacturer: { organizationName: 'Microchip Technology Inc' },
    provisioningTimestamp: wishes.provisioned ?? PROVISIONED,
    uniqueId,
    publicKeySet: { keys },
    ...wishes.payload,
  };
  const header = { ...headerOf(signer), ...wishes.header };
  return signElement(JSON.stringify(header), JSON.stringify(payload), { signer, uniqueId: wishes.copy ?? uniqueId });
}

export function headerOf({ certificate }: Party) {
  const thumbprint = Buffer.from(certificate.fingerprint, 'hex').toString('base64url');
  return { alg: 'ES256', kid: 'TCnpnzYB8M3CO776ByPJ2yX3KYo', typ: 'JWT', 'x5t#S256': thumbprint };
}

interface Signing {
  readonly signer: Party;
  readonly uniqueId: string;
}

/** From the very texts, so that they may say a member twice. */
export async function signElement(header: string, payload: string, { signer, uniqueId }: Signing): Promise<string> {
  const [encoded, body] = [encode(Buffer.from(header)), encode(Buffer.from(payload))];
  const signature = await webcrypto.subtle.sign(P256, signer.keys.privateKey, Buffer.from(`${encoded}.${body}`));
  const element = {
    payload: body,
    protected: encoded,
    header: { uniqueId },
    signature: encode(Buffer.from(signature)),
  };
  return JSON.stringify(element, null, 2);
}

export function arrayOf(...elements: readonly string[]): string {
  return `[\n${elements.join(',\n')}\n]`;
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}

async function coordinates(party: Party) {
  const { x = '', y = '' } = await webcrypto.subtle.exportKey('jwk', party.keys.publicKey);
  return { x, y };
}
