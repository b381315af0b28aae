// Which key signs at a ceremony? `kms` makes one in AWS KMS, an ARN names one there, and a `pkcs11:` URI names one in a token.
import { CreateKeyCommand, type KeySpec, KMSClient } from '@aws-sdk/client-kms';

import { kmsCertificateSigner } from '../../shared/aws/kms-certificate-signer.ts';
import { nodeClock } from '../../shared/aws/node-clock.ts';
import { pkcs11CertificateSigner, readPinFile } from '../../shared/hsm/pkcs11-certificate-signer.ts';
import { pkcs11Token } from '../../shared/hsm/pkcs11-token.ts';
import { parsePkcs11Uri } from '../../shared/hsm/pkcs11-uri.ts';
import type { KeyHome } from '../../shared/issuance/authority.ts';
import { KEY_TAGS, type KeyPurpose } from '../../shared/issuance/check-authority.ts';
import { encodeEcdsa } from '../../shared/signing/ecdsa-signature.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { describeRefusal } from '../invoke.ts';
import type { Place } from '../place.ts';
import { UsageError } from '../terminal.ts';

export interface OpenedSigner {
  readonly signer: CertificateSigner;
  readonly home: KeyHome;
}

export interface KeyWish {
  readonly owner: string;
  readonly purpose: KeyPurpose;
  readonly algorithm: SigningAlgorithm;
}

/** `text` is an ARN or a `pkcs11:` URI. */
export function openSigner(text: string, { algorithm }: KeyWish, place: Place): OpenedSigner {
  if (text.startsWith('pkcs11:')) return openInToken(text, algorithm);
  if (!/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/.test(text))
    throw new UsageError(`signer "${text}": expected kms, the ARN of a KMS key, or a pkcs11: URI`);
  const client = new KMSClient({ ...place.config, maxAttempts: 1 });
  const signer = kmsCertificateSigner({ client, keyArn: text, algorithm, clock: nodeClock });
  return { signer, home: { kind: 'kms', keyArn: text } };
}

function openInToken(text: string, algorithm: SigningAlgorithm): OpenedSigner {
  const uri = parsePkcs11Uri(text);
  if (uri.outcome === 'refused') throw new UsageError(describeRefusal(uri.refusal));
  const { modulePath, token, pinFile, key } = uri.value;
  const readPin = pinFile === undefined ? {} : { readPin: () => readPinFile(pinFile) };
  const opened = pkcs11Token({ modulePath, token, ...readPin });
  const name = key.object;
  // A signer that runs beside the HSM finds the key by this name.
  if (name === undefined) throw new UsageError('signer: expected a pkcs11: URI that names its key by object=');
  const signer = pkcs11CertificateSigner({ token: opened, key, algorithm, encodeEcdsa });
  return { signer, home: { kind: 'pkcs11', name } };
}

const SPECS: Readonly<Record<SigningAlgorithm, KeySpec>> = {
  ES256: 'ECC_NIST_P256',
  ES384: 'ECC_NIST_P384',
  EdDSA: 'ECC_NIST_EDWARDS25519',
};

/** Made under the caller's own credentials, and tagged: functions reach it by its tags only, and can change neither. */
export async function makeSigningKey({ owner, purpose, algorithm }: KeyWish, place: Place): Promise<string> {
  return makeKey({ owner, purpose }, place, { KeySpec: SPECS[algorithm], KeyUsage: 'SIGN_VERIFY' });
}

/** Seals the private part of an owner's delivery key, and nothing else. */
export async function makeSealingKey(owner: string, place: Place): Promise<string> {
  return makeKey({ owner, purpose: 'delivery' }, place, { KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT' });
}

async function makeKey(
  { owner, purpose }: Omit<KeyWish, 'algorithm'>,
  { config, prefix }: Place,
  use: { readonly KeySpec: KeySpec; readonly KeyUsage: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT' },
): Promise<string> {
  const client = new KMSClient(config);
  const Tags = [
    { TagKey: KEY_TAGS.purpose, TagValue: purpose },
    { TagKey: KEY_TAGS.owner, TagValue: owner },
  ];
  const Description = `Wardkey ${prefix}: ${purpose} key of ${owner}`;
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ ...use, Tags, Description }));
  const arn = KeyMetadata?.Arn;
  if (arn === undefined) throw new Error('AWS KMS answered without the ARN of the new key');
  return arn;
}
