// How does whoever receives a delivery check it, without Wardkey? With openssl and the tools of any Unix.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { Station } from './station.ts';

export interface Described {
  readonly product: string;
  readonly lot: string;
  readonly devices: number;
}

/** The commands in it are run by a test; indented lines are commands and nothing else is indented. */
export function writeReadme(station: Station, { product, lot, devices }: Described): string {
  const name = `${lot}.jsonl`;
  return `Lot ${lot} of ${station.manufacturer}, product "${product}", devices: ${devices}

${name}
  the manifest: one JSON line about the lot, then one for each device with its serial number and its certificate
${name}.jws
  the signature over the manifest, byte for byte (detached JWS, RFC 7515 appendix F and RFC 7797, ES256)
signer.pem
  the certificate whose key signed it: SHA-256 ${fingerprintOf(station.signerFile)}
authority.pem
  the certificate authority that issued the devices: SHA-256 ${fingerprintOf(station.authorityFile)}

There is no private key in this folder. A device has its own in it; no other party needs one.

The fingerprints above come from the same folder as the files, so they prove nothing by themselves: compare them with
what ${station.manufacturer} told you another way, by telephone or on paper.

To verify the signature in a shell, in this folder; the last command must say "Verified OK":

    { cut -d. -f1 '${name}.jws' | tr -d '\\n'; printf .; cat '${name}'; } > signed.bytes
    { cut -d. -f3 '${name}.jws' | tr -d '\\n' | tr -- '-_' '+/'; echo ==; } | openssl base64 -d -A > signature.raw
    hex() { od -An -v -tx1 | tr -d ' \\n'; }
    printf 'asn1=SEQUENCE:s\\n[s]\\nr=INTEGER:0x%s\\ns=INTEGER:0x%s\\n' \\
      "$(head -c 32 signature.raw | hex)" "$(tail -c 32 signature.raw | hex)" > signature.conf
    openssl asn1parse -genconf signature.conf -noout -out signature.der
    openssl x509 -in signer.pem -noout -pubkey > signer.pub
    openssl dgst -sha256 -verify signer.pub -signature signature.der signed.bytes

To see the two fingerprints, and that the authority issued the signer:

    openssl x509 -in signer.pem -noout -fingerprint -sha256
    openssl x509 -in authority.pem -noout -fingerprint -sha256
    openssl verify -x509_strict -CAfile authority.pem signer.pem
`;
}

/** As openssl writes it. */
function fingerprintOf(file: string): string {
  return new X509Certificate(readFileSync(file)).fingerprint256;
}
