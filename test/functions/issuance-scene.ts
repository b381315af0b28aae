// Where does issuance play in the tests? A hospital with an issuing authority of its own, a pump that was admitted, keys in
// homes that can fail, and what the broker sends and hears.
import { hash } from 'node:crypto';

import { confirmCertificate } from '../../functions/issuance/confirm-certificate/flow.ts';
import { issueCertificate } from '../../functions/issuance/issue-certificate/flow.ts';
import { alignCertificate } from '../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../functions/onboarding/align-broker/flow.ts';
import { registerDevice } from '../../functions/onboarding/register-device/flow.ts';
import { parseCertificate } from '../../shared/identity/certificate.ts';
import {
  authorityRow,
  issuingKey,
  ownerAuthorityKey,
  parseIssuing,
  type AuthorityTerms,
  type IssuingAuthority,
  type KeyHome,
} from '../../shared/issuance/authority.ts';
import { authorityName, KEY_TAGS } from '../../shared/issuance/check-authority.ts';
import { commission, type IssuedCertificate } from '../../shared/issuance/commission.ts';
import { readIssuer, type Issuer } from '../../shared/issuance/issuer.ts';
import type { Confirmed, Issued } from '../../shared/issuance/messages.ts';
import {
  prepareDelivery,
  prepareIssuing,
  prepareRoot,
  type PreparedCertificate,
} from '../../shared/issuance/prepare.ts';
import { signVerified } from '../../shared/signing/verified-signature.ts';
import { certificateInUse, isEnrolling, operationalOf } from '../../shared/lifecycle.ts';
import type { Outcome } from '../../shared/outcome.ts';
import type { KeyDescription, SigningAlgorithm } from '../../shared/ports.ts';
import { MemoryDeviceTopics } from '../fakes/memory-device-topics.ts';
import { MemoryKeyHomes } from '../fakes/memory-key-homes.ts';
import { MemoryKeyInspector } from '../fakes/memory-key-inspector.ts';
import { MemoryRevocationListStore } from '../fakes/memory-revocation-list-store.ts';
import { MemorySigningQueue } from '../fakes/memory-signing-queue.ts';
import { SoftwareCertificateSigner } from '../fakes/software-certificate-signer.ts';
import { craftRequest, type RequestWishes } from '../pki/certificate-requests.ts';
import { noticeOf, presenceOf } from './onboarding/register-device/notices.ts';
import { ACCOUNT, listChip, makeScene, NOW, own, OWNER, ownPump, readDevice, type Pump, type Scene } from './scene.ts';

export type IssuanceScene = Awaited<ReturnType<typeof makeIssuanceScene>>;

/** A scene with keys and topics, and without an authority. */
export async function makeKeyScene() {
  let serials = 0;
  return {
    ...(await makeScene()),
    topics: new MemoryDeviceTopics(),
    keys: new MemoryKeyHomes(),
    inspector: new MemoryKeyInspector(),
    signing: new MemorySigningQueue(),
    lists: new MemoryRevocationListStore(),
    account: ACCOUNT,
    newSerial: () => {
      serials += 1;
      return hash('sha256', `serial ${serials}`, 'buffer').subarray(0, 16);
    },
  };
}

export type KeyScene = Awaited<ReturnType<typeof makeKeyScene>>;

/** The hospital's authority signs with a key in AWS KMS unless told. */
export async function makeIssuanceScene(wishes: CeremonyWishes = {}) {
  const scene = await makeKeyScene();
  const ceremony = await holdCeremony(wishes);
  return { ...scene, ceremony, issuing: await installAuthority(scene, ceremony) };
}

export interface CeremonyWishes {
  readonly owner?: string;
  readonly algorithm?: SigningAlgorithm;
  readonly home?: KeyHome;
  readonly validityDays?: number;
  /** Of the issuing CA. */
  readonly issuingDays?: number;
  readonly notBefore?: string;
  /** Another name is another authority. */
  readonly name?: string;
}

export interface Ceremony {
  readonly terms: AuthorityTerms;
  readonly root: IssuedCertificate;
  readonly issuing: IssuedCertificate;
  readonly issuingSigner: SoftwareCertificateSigner;
}

const held = new Map<string, Promise<Ceremony>>();

/** The same wishes are the same authority, as long as the process lives. */
export function holdCeremony(wishes: CeremonyWishes = {}): Promise<Ceremony> {
  const place = JSON.stringify(wishes);
  const known = held.get(place) ?? makeCeremony(wishes);
  held.set(place, known);
  return known;
}

async function makeCeremony({ owner = OWNER, algorithm = 'ES256', ...wishes }: CeremonyWishes): Promise<Ceremony> {
  const { name = 'first', validityDays = 90, notBefore = NOW, issuingDays } = wishes;
  const [rootSigner, issuingSigner, delivery] = [undefined, algorithm, undefined].map(
    (kind) => new SoftwareCertificateSigner(kind ?? 'ES256'),
  ) as [SoftwareCertificateSigner, SoftwareCertificateSigner, SoftwareCertificateSigner];
  const order = async (signer: SoftwareCertificateSigner, place: string) => ({
    owner,
    notBefore,
    publicKey: await signer.publicKey(),
    serial: hash('sha256', `${owner} ${name} ${place}`, 'buffer').subarray(0, 16),
  });
  const named = <O extends { readonly publicKey: Uint8Array }>(kind: 'root' | 'issuing', of: O) => ({
    ...of,
    name: authorityName(kind, owner, hash('sha256', of.publicKey)),
  });
  const root = await sign(prepareRoot(named('root', await order(rootSigner, 'root'))), rootSigner);
  const below = { ...named('issuing', await order(issuingSigner, 'issuing')), issuer: issuerOf(root) };
  const days = issuingDays === undefined ? {} : { validityDays: issuingDays };
  const issuing = await sign(prepareIssuing({ ...below, ...days }), rootSigner);
  const crlUrl = `https://crl.example/${owner}.crl`;
  const last = { ...(await order(delivery, 'delivery')), issuer: issuerOf(issuing), crlUrl, validityDays: 30 };
  const certified = await sign(prepareDelivery(last), issuingSigner);
  const home = wishes.home ?? { kind: 'kms' as const, keyArn: keyArnOf(`issuing ${owner} ${name}`) };
  const terms: AuthorityTerms = {
    owner,
    certificate: base64(issuing.der),
    root: base64(root.der),
    algorithm,
    home,
    rootHome: 'a token in the safe',
    validityDays,
    crlUrl,
    delivery: {
      certificate: base64(certified.der),
      sealed: base64(Buffer.from('sealed by KMS')),
      keyArn: keyArnOf(`delivery ${owner} ${name}`),
    },
  };
  return { terms, root, issuing, issuingSigner };
}

async function sign(
  prepared: Outcome<PreparedCertificate>,
  signer: SoftwareCertificateSigner,
): Promise<IssuedCertificate> {
  const { tbs } = valueOf(prepared);
  return commission(valueOf(prepared), await signVerified(signer, tbs));
}

function issuerOf({ certificate }: IssuedCertificate): Issuer {
  return valueOf(readIssuer(certificate));
}

export function keyArnOf(name: string): string {
  const digits = hash('sha256', name).slice(0, 12);
  return `arn:aws:kms:eu-central-1:${ACCOUNT}:key/00000000-0000-4000-8000-${digits}`;
}

/** Its key, in KMS, without being anybody's authority yet. */
export async function seedKeys({ keys, inspector }: KeyScene, { terms, issuingSigner }: Ceremony): Promise<void> {
  const { home, delivery, owner, algorithm } = terms;
  inspector.seed(delivery.keyArn, keyOf(owner, 'delivery'));
  if (home.kind !== 'kms') return;
  keys.add(home.keyArn, issuingSigner);
  const [spec, usage] = [SPECS[algorithm], 'SIGN_VERIFY'];
  inspector.seed(home.keyArn, {
    ...keyOf(owner, 'issuing'),
    ...{ spec, usage, publicKey: await issuingSigner.publicKey() },
  });
}

const SPECS = { ES256: 'ECC_NIST_P256', ES384: 'ECC_NIST_P384', EdDSA: 'ECC_NIST_EDWARDS25519' } as const;

function keyOf(owner: string, purpose: string): KeyDescription {
  const Statement = [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*' }];
  return {
    spec: 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    status: 'Enabled',
    tags: { [KEY_TAGS.purpose]: purpose, [KEY_TAGS.owner]: owner },
    policy: JSON.stringify({ Statement }),
  };
}

/** As `create-authority` leaves it: from now on it signs for its owner. */
export async function installAuthority(scene: KeyScene, ceremony: Ceremony): Promise<IssuingAuthority> {
  const { terms, issuing } = ceremony;
  await seedKeys(scene, ceremony);
  const caCertificateId = await scene.authorities.registerIssuing(issuing.certificate.x509.toString());
  const row = authorityRow(terms, { caCertificateId, approval: 'ceremony', now: scene.clock.now() });
  scene.registry.seed(issuingKey(issuing.fingerprint), row);
  const [pointer] = await scene.registry.read([ownerAuthorityKey(terms.owner)]);
  const version = Number(pointer?.['version'] ?? 0) + 1;
  scene.registry.seed(ownerAuthorityKey(terms.owner), { version, fingerprint: issuing.fingerprint });
  return parseIssuing(row);
}

/** A pump that has connected for the first time: registered, and the broker lets it in. */
export async function registerPump(scene: Scene, serial = 'P1001'): Promise<Pump> {
  const pump = await ownPump(scene, serial);
  scene.broker.connect(pump.certificateId, 'any', pump.party.pem);
  valueOf(await registerDevice(noticeOf(scene, pump, scene.clock.now()), scene));
  return settled(scene, pump);
}

/** The same on the path of chips, whose certificates the broker knows beforehand. */
export async function registerChip(scene: Scene, serial = 'c1001'): Promise<Pump> {
  const chip = await own(scene, await listChip(scene, serial));
  await alignCertificate(chip.certificateId, scene);
  await alignDevice(chip.id, scene);
  valueOf(await registerDevice(presenceOf(chip, scene.clock.now()), scene));
  return settled(scene, chip);
}

async function settled(scene: Scene, pump: Pump): Promise<Pump> {
  await alignDevice(pump.id, scene);
  scene.alignments.requested.length = 0;
  return pump;
}

/** As an IoT rule hands it over: the payload, and what the broker knows of the connection. */
export interface Envelope {
  readonly client?: string;
  readonly thing?: string;
  readonly principal: string;
  readonly receivedAt: string;
}

export function messageOf(device: string, payload: object | string, envelope: Envelope): string {
  const { client = device, thing = device, principal, receivedAt } = envelope;
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const message = Buffer.from(text).toString('base64');
  return JSON.stringify({ message, client, thing, principal, receivedAt: Date.parse(receivedAt) });
}

export interface Asking extends Partial<Envelope> {
  readonly requestId?: string;
  readonly csr?: Partial<RequestWishes>;
  /** The certificate over which it asks; the one in use unless told. */
  readonly over?: string;
}

/** The message of a device that asks for a certificate, for a key it has just made. */
export async function askFor(scene: Scene, device: string, asking: Asking = {}): Promise<string> {
  const { requestId = 'request-a', csr = {}, over, ...envelope } = asking;
  const principal = over ?? (await inUse(scene, device));
  const der = craftRequest({ name: device, key: `key of ${device} for ${requestId}`, ...csr });
  const payload = { requestId, csr: der.toString('base64url') };
  return messageOf(device, payload, { principal, receivedAt: scene.clock.now(), ...envelope });
}

export async function inUse(scene: Scene, device: string): Promise<string> {
  const row = await readDevice(scene, device);
  if (row === undefined || !isEnrolling(row)) throw new Error(`scene: ${device} is not enrolling`);
  return certificateInUse(row);
}

export function confirmationOf(scene: Scene, device: string, certificateId: string, over = certificateId): string {
  return messageOf(device, { certificateId }, { principal: over, receivedAt: scene.clock.now() });
}

/** What a device has heard of its requests, newest last. */
export function issuedTo({ topics }: Pick<KeyScene, 'topics'>, device: string): readonly Issued[] {
  return (topics.on(`wardkey/${device}/certificate/accepted`) as readonly (Issued | Confirmed)[]).flatMap((body) =>
    body.kind === 'issued' ? [body] : [],
  );
}

export function confirmedTo({ topics }: Pick<KeyScene, 'topics'>, device: string): readonly Confirmed[] {
  return (topics.on(`wardkey/${device}/certificate/accepted`) as readonly (Issued | Confirmed)[]).flatMap((body) =>
    body.kind === 'confirmed' ? [body] : [],
  );
}

/** Name of the certificate at the broker. */
export function idOf({ certificate }: Pick<Issued, 'certificate'>): string {
  return valueOf(parseCertificate(Buffer.from(certificate, 'base64url'))).fingerprint;
}

/** A whole rotation without a fault; answers the new certificate's id. */
export async function rotate(scene: KeyScene, device: string, asking: Asking = {}): Promise<string> {
  valueOf(await issueCertificate(await askFor(scene, device, asking), scene));
  await alignDevice(device, scene);
  const certificateId = await offeredTo(scene, device);
  valueOf(await confirmCertificate(confirmationOf(scene, device, certificateId), scene));
  await alignDevice(device, scene);
  for (const ended of scene.alignments.requestedRevocations.splice(0)) await alignCertificate(ended, scene);
  scene.alignments.requested.length = 0;
  return certificateId;
}

export async function offeredTo(scene: Scene, device: string): Promise<string> {
  const row = await readDevice(scene, device);
  const last = row === undefined ? undefined : operationalOf(row).at(-1);
  if (last === undefined) throw new Error(`scene: nothing is offered to ${device}`);
  return last.certificate.certificateId;
}

/** The moment from which the certificate in use may be replaced. */
export async function untilRenewal(scene: Scene, device: string): Promise<void> {
  const row = await readDevice(scene, device);
  if (row?.state !== 'operational') throw new Error(`scene: ${device} is not operational`);
  scene.clock.set(row.current.renewFrom);
}

export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === 'done') return outcome.value;
  throw new Error(`expected no refusal, got ${JSON.stringify(outcome.refusal)}`);
}

function base64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}
