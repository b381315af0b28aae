// Who asks for certificates in these tests, and who issues them? An owner's root and issuing CA with keys in this process.
import { commission, type IssuedCertificate } from '../../../shared/issuance/commission.ts';
import { parseCertificateRequest, type CertificateRequest } from '../../../shared/issuance/certificate-request.ts';
import { readIssuer, type Issuer } from '../../../shared/issuance/issuer.ts';
import {
  prepareIssuing,
  prepareOperational,
  prepareRoot,
  type OperationalOrder,
  type PreparedCertificate,
} from '../../../shared/issuance/prepare.ts';
import { signVerified } from '../../../shared/signing/verified-signature.ts';
import { parseDeviceId, type DeviceId } from '../../../shared/identity/device-id.ts';
import type { Certificate } from '../../../shared/identity/certificate.ts';
import type { Outcome } from '../../../shared/outcome.ts';
import type { SigningAlgorithm } from '../../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../../fakes/software-certificate-signer.ts';
import { craftRequest, type RequestWishes } from '../../pki/certificate-requests.ts';

export const NOW = '2026-11-25T10:00:00.789Z';
export const CRL_URL = 'http://crl.ward.example/issuing.crl';
export const DEVICE = deviceOf('acme-A_1');

export interface Authority {
  readonly signer: SoftwareCertificateSigner;
  readonly issued: IssuedCertificate;
  readonly issuer: Issuer;
}

export interface Authorities {
  readonly root: Authority;
  readonly issuing: Authority;
}

/** `algorithms`: of the root and of the issuing CA. */
export async function makeAuthorities(
  ...[ofRoot = 'ES256', ofIssuing = ofRoot]: readonly SigningAlgorithm[]
): Promise<Authorities> {
  const above = new SoftwareCertificateSigner(ofRoot);
  const order = { owner: 'st-mary', notBefore: NOW };
  const rootOrder = { ...order, publicKey: await above.publicKey(), name: 'St Mary Root', serial: serial(1) };
  const root = await authorityOf(valueOf(prepareRoot(rootOrder)), { by: above, of: above });
  const below = new SoftwareCertificateSigner(ofIssuing);
  const issuingOrder = { ...order, publicKey: await below.publicKey(), name: 'St Mary Devices', serial: serial(2) };
  const prepared = prepareIssuing({ ...issuingOrder, issuer: root.issuer, crlUrl: 'http://crl.ward.example/root.crl' });
  const issuing = await authorityOf(valueOf(prepared), { by: above, of: below });
  return { root, issuing };
}

interface Signers {
  readonly by: SoftwareCertificateSigner;
  readonly of: SoftwareCertificateSigner;
}

async function authorityOf(prepared: PreparedCertificate, { by, of }: Signers): Promise<Authority> {
  const issued = commission(prepared, await signVerified(by, prepared.tbs));
  return { signer: of, issued, issuer: issuerOf(issued.certificate) };
}

export function issuerOf(certificate: Certificate): Issuer {
  return valueOf(readIssuer(certificate));
}

export function requestOf(wishes: Partial<RequestWishes> = {}, device = DEVICE): CertificateRequest {
  return valueOf(parseCertificateRequest(craftRequest({ name: device, ...wishes }), { device }));
}

/** An operational certificate's order, for ninety days. */
export function orderOf(issuer: Issuer, wishes: Partial<OperationalOrder> = {}): OperationalOrder {
  return { request: requestOf(), issuer, serial: serial(7), notBefore: NOW, crlUrl: CRL_URL, ...wishes };
}

export async function issue(
  { signer, issuer }: Authority,
  wishes: Partial<OperationalOrder> = {},
): Promise<IssuedCertificate> {
  const prepared = valueOf(prepareOperational(orderOf(issuer, wishes)));
  return commission(prepared, await signVerified(signer, prepared.tbs));
}

/** Sixteen times this byte: as random as tests want it. */
export function serial(byte: number): Buffer {
  return Buffer.alloc(16, byte);
}

export function deviceOf(text: string): DeviceId {
  return valueOf(parseDeviceId(text));
}

export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === 'done') return outcome.value;
  throw new Error(`expected no refusal, got ${JSON.stringify(outcome.refusal)}`);
}
