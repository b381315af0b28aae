// How does an owner's authority come to be? A root signs an issuing CA, that certifies the owner's delivery key; what each step
// came to is kept in a folder, so that a ceremony that was interrupted goes on where it stopped. No private key is in it.
import { GenerateDataKeyPairWithoutPlaintextCommand, KMSClient } from '@aws-sdk/client-kms';
import { hash, randomBytes } from 'node:crypto';

import { DAYS_DEFAULT, type AuthorityTerms } from '../../shared/issuance/authority.ts';
import { authorityName } from '../../shared/issuance/check-authority.ts';
import { commission, readCommissioned, type IssuedCertificate } from '../../shared/issuance/commission.ts';
import { readIssuer, type Issuer } from '../../shared/issuance/issuer.ts';
import {
  prepareDelivery,
  prepareIssuing,
  prepareRoot,
  type PreparedCertificate,
} from '../../shared/issuance/prepare.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import type { Outcome } from '../../shared/outcome.ts';
import type { CertificateSigner, SigningAlgorithm } from '../../shared/ports.ts';
import { describeRefusal } from '../invoke.ts';
import type { Place } from '../place.ts';
import type { Terminal } from '../terminal.ts';
import type { CeremonyNotes } from './notes.ts';
import { makeSealingKey, makeSigningKey, openSigner, type OpenedSigner } from './signers.ts';

export interface CeremonyAsked {
  readonly owner: string;
  /** `kms`, an ARN, or a `pkcs11:` URI. */
  readonly root: string;
  readonly issuing: string;
  readonly algorithm: SigningAlgorithm;
  readonly validityDays?: number;
  /** Where the revocation list is found; made from the certificate's digest when it is not given. */
  readonly crlUrl: (issuing: string) => string;
}

export interface Stage {
  readonly place: Place;
  readonly notes: CeremonyNotes;
  readonly terminal: Terminal;
  readonly now: () => string;
}

export async function holdCeremony(asked: CeremonyAsked, stage: Stage): Promise<AuthorityTerms> {
  const root = await signerFor('root', asked, stage);
  const issuing = await signerFor('issuing', asked, stage);
  const rootCertificate = await certify('root', 'the root signs itself', stage, async () =>
    sign(root.signer, prepareRoot({ ...(await subject('root', asked, root)), ...terms(stage) })),
  );
  const rootIssuer = issuerOf(rootCertificate);
  const issuingCertificate = await certify(
    'issuing',
    'the root signs the issuing CA',
    stage,
    async () =>
      sign(
        root.signer,
        prepareIssuing({ ...(await subject('issuing', asked, issuing)), issuer: rootIssuer, ...terms(stage) }),
      ),
    rootIssuer,
  );
  const crlUrl = asked.crlUrl(issuingCertificate.fingerprint);
  const delivery = await certifyDelivery(asked, { issuing, issuer: issuerOf(issuingCertificate), crlUrl }, stage);
  return {
    ...{ owner: asked.owner, algorithm: asked.algorithm, home: issuing.home, crlUrl, delivery },
    rootHome: root.home.kind === 'kms' ? root.home.keyArn : `PKCS #11 token, key ${root.home.name}`,
    certificate: base64(issuingCertificate),
    root: base64(rootCertificate),
    validityDays: asked.validityDays ?? DAYS_DEFAULT,
  };
}

/** A key that was made before is used again: a rerun makes none twice. */
async function signerFor(
  purpose: 'root' | 'issuing',
  asked: CeremonyAsked,
  { place, notes, terminal }: Stage,
): Promise<OpenedSigner> {
  const wish = { owner: asked.owner, purpose, algorithm: asked.algorithm };
  if (asked[purpose] !== 'kms') return openSigner(asked[purpose], wish, place);
  const arn = await notes.once(`${purpose}KeyArn`, () =>
    terminal.step(`a ${purpose} key is made in AWS KMS`, () => makeSigningKey(wish, place)),
  );
  return openSigner(arn, wish, place);
}

async function subject(kind: 'root' | 'issuing', { owner }: CeremonyAsked, { signer }: OpenedSigner) {
  const publicKey = await signer.publicKey();
  return { owner, publicKey, name: authorityName(kind, owner, hash('sha256', publicKey)) };
}

function terms({ now }: Stage) {
  return { serial: randomBytes(16), notBefore: now() };
}

async function certify(
  kind: 'root' | 'issuing',
  title: string,
  { notes, terminal }: Stage,
  make: () => Promise<IssuedCertificate>,
  issuer?: Issuer,
): Promise<IssuedCertificate> {
  const made = await notes.once(`${kind}Certificate`, () => terminal.step(title, async () => base64(await make())));
  return readCommissioned(Buffer.from(made, 'base64'), issuer, kind);
}

interface Certifier {
  readonly issuing: OpenedSigner;
  readonly issuer: Issuer;
  readonly crlUrl: string;
}

/** KMS makes the pair and hands out its private part sealed only: nobody at the ceremony has seen it. */
async function certifyDelivery(
  { owner }: CeremonyAsked,
  { issuing, issuer, crlUrl }: Certifier,
  stage: Stage,
): Promise<AuthorityTerms['delivery']> {
  const { place, notes, terminal } = stage;
  const keyArn = await notes.once('deliveryKeyArn', () =>
    terminal.step('a key that seals the delivery key is made in AWS KMS', () => makeSealingKey(owner, place)),
  );
  const pair = await notes.once('deliveryKeyPair', () => makeSealedPair(owner, keyArn, place));
  const [publicKey = '', sealed = ''] = pair.split(' ');
  const certificate = await notes.once('deliveryCertificate', () =>
    terminal.step('the issuing CA certifies the delivery key', async () => {
      const order = { owner, publicKey: Buffer.from(publicKey, 'base64'), issuer, crlUrl, ...terms(stage) };
      return base64(await sign(issuing.signer, prepareDelivery(order)));
    }),
  );
  return { certificate, sealed, keyArn };
}

async function makeSealedPair(owner: string, KeyId: string, { config }: Place): Promise<string> {
  const answer = await new KMSClient(config).send(
    new GenerateDataKeyPairWithoutPlaintextCommand({
      KeyId,
      KeyPairSpec: 'ECC_NIST_P256',
      EncryptionContext: { owner, purpose: 'delivery' },
    }),
  );
  const { PublicKey, PrivateKeyCiphertextBlob } = answer;
  if (PublicKey === undefined || PrivateKeyCiphertextBlob === undefined)
    throw new Error('AWS KMS answered without a sealed key pair');
  return [PublicKey, PrivateKeyCiphertextBlob].map((part) => Buffer.from(part).toString('base64')).join(' ');
}

async function sign(signer: CertificateSigner, prepared: Outcome<PreparedCertificate>): Promise<IssuedCertificate> {
  if (prepared.outcome === 'refused') throw new Error(describeRefusal(prepared.refusal));
  return commission(prepared.value, await signVerified(signer, prepared.value.tbs));
}

function issuerOf({ certificate }: IssuedCertificate): Issuer {
  const issuer = readIssuer(certificate);
  if (issuer.outcome === 'done') return issuer.value;
  throw new Error(describeRefusal(issuer.refusal));
}

function base64({ der }: IssuedCertificate): string {
  return Buffer.from(der).toString('base64');
}
