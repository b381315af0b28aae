// How many operational certificates does one core issue? With a key in this process: what we cost beside the key's home.
import 'reflect-metadata';

import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';

import { Pkcs10CertificateRequest, X509Certificate, X509CertificateGenerator } from '@peculiar/x509';
import { Certificate, CertificationRequest } from 'pkijs';

import { parseDeviceId, type DeviceId } from '../shared/identity/device-id.ts';
import { parseCertificateRequest } from '../shared/issuance/certificate-request.ts';
import { commission } from '../shared/issuance/commission.ts';
import { readIssuer, type Issuer } from '../shared/issuance/issuer.ts';
import { prepareOperational, prepareRoot } from '../shared/issuance/prepare.ts';
import { signVerified } from '../shared/signing/verified-signature.ts';
import type { Outcome } from '../shared/outcome.ts';
import type { CertificateSigner } from '../shared/ports.ts';
import { craftRequest } from '../test/pki/certificate-requests.ts';
import type { Subject } from './measure.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const REQUESTS = 300;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Issuing {
  readonly device: DeviceId;
  readonly requests: readonly Buffer[];
  readonly signer: CertificateSigner;
  readonly issuer: Issuer;
  /** The same key, for the peers. */
  readonly signingKey: webcrypto.CryptoKey;
}

/** Requests with a key each, P-256 throughout. */
export async function makeIssuing(): Promise<Issuing> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const signer: CertificateSigner = {
    algorithm: 'ES256',
    publicKey: () => Promise.resolve(spki),
    sign: (bytes) => Promise.resolve(sign('sha256', bytes, privateKey)),
  };
  const order = { publicKey: spki, name: 'Bench', owner: 'bench', serial: serialOf(0), notBefore: NOW };
  const prepared = valueOf(prepareRoot(order));
  const { certificate } = commission(prepared, await signVerified(signer, prepared.tbs));
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', Buffer.from(pkcs8), ECDSA, false, ['sign']);
  const device = valueOf(parseDeviceId('acme-A1'));
  const requests = Array.from({ length: REQUESTS }, (_none, index) =>
    craftRequest({ name: device, key: `bench ${index}` }),
  );
  return { device, requests, signer, issuer: valueOf(readIssuer(certificate)), signingKey };
}

export function issuanceSubjects(issuing: Issuing): readonly Subject[] {
  return [
    {
      name: 'operational certificate',
      inside:
        'from a CSR: its key imported, possession checked; profile, signed by a software key, that signature verified, parsed back',
      rows: 2_000,
      run: (rows) => repeat(rows, issuing, (csr, row) => issue(csr, row, issuing)),
    },
    {
      name: 'peer: @peculiar/x509',
      inside:
        'CSR parsed and verified, certificate signed; neither its own signature verified nor read back, no extensions',
      rows: 200,
      run: (rows) => repeat(rows, issuing, (csr, row) => issueByPeculiar(csr, row, issuing)),
    },
    {
      name: 'peer: pkijs',
      inside: 'the same; issuer, times and serial copied from a parsed certificate, no extensions',
      rows: 200,
      run: (rows) => repeat(rows, issuing, (csr) => issueByPkijs(csr, issuing)),
    },
  ];
}

type Work = (csr: Buffer, row: number) => Promise<void>;

async function repeat(rows: number, { requests }: Issuing, work: Work): Promise<void> {
  for (let row = 0; row < rows; row += 1) await work(requests[row % REQUESTS] ?? Buffer.alloc(0), row);
}

async function issue(csr: Buffer, row: number, { device, signer, issuer }: Issuing): Promise<void> {
  const request = valueOf(parseCertificateRequest(csr, { device }));
  const order = { request, issuer, serial: serialOf(row), notBefore: NOW, crlUrl: 'http://crl.bench.example/a.crl' };
  const prepared = valueOf(prepareOperational(order));
  commission(prepared, await signVerified(signer, prepared.tbs));
}

async function issueByPeculiar(csr: Buffer, row: number, { issuer, signingKey }: Issuing): Promise<void> {
  const request = new Pkcs10CertificateRequest(csr);
  if (!(await request.verify(webcrypto))) throw new Error('the peer refuses the request');
  await X509CertificateGenerator.create(
    {
      serialNumber: serialOf(row).toString('hex'),
      subject: request.subjectName,
      issuer: new X509Certificate(issuer.certificate.x509.raw).subjectName,
      notBefore: new Date(NOW),
      notAfter: new Date('2027-02-22T11:59:59Z'),
      publicKey: request.publicKey,
      signingKey,
      signingAlgorithm: ECDSA,
    },
    webcrypto,
  );
}

async function issueByPkijs(csr: Buffer, { issuer, signingKey }: Issuing): Promise<void> {
  const request = CertificationRequest.fromBER(csr);
  if (!(await request.verify())) throw new Error('the peer refuses the request');
  const certificate = Certificate.fromBER(issuer.certificate.x509.raw);
  certificate.subject = request.subject;
  certificate.subjectPublicKeyInfo = request.subjectPublicKeyInfo;
  delete certificate.extensions;
  await certificate.sign(signingKey, 'SHA-256');
  if (certificate.toSchema().toBER().byteLength === 0) throw new Error('the peer writes nothing');
}

/** Another for each row; randomness costs both sides the same. */
function serialOf(row: number): Buffer {
  const serial = Buffer.alloc(16, 0x5a);
  serial.writeUInt32BE(row, 12);
  return serial;
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.outcome === 'done') return outcome.value;
  throw new Error(JSON.stringify(outcome.refusal));
}
