// What does a person get to see of an owner's authority? Its chain, by hash and time, and what signs it.
import type { IssuingAuthority, KeyHome } from './authority.ts';

export interface AuthorityShown {
  readonly owner: string;
  readonly root: CertificateShown;
  readonly issuing: CertificateShown;
  readonly algorithm: string;
  readonly home: KeyHome;
  readonly rootHome: string;
  readonly validityDays: number;
  readonly crlUrl: string;
  /** IoT Core's id of the issuing CA. */
  readonly caCertificateId: string;
  readonly createdAt: string;
  readonly approval: string;
}

export interface CertificateShown {
  readonly fingerprint: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly pem: string;
}

export function showAuthority(authority: IssuingAuthority): AuthorityShown {
  const { certificate, root, owner, algorithm, home, rootHome, validityDays, crlUrl } = authority;
  const { caCertificateId, createdAt, approval } = authority;
  const chain = { root: show(root), issuing: show(certificate) };
  return { owner, ...chain, algorithm, home, rootHome, validityDays, crlUrl, caCertificateId, createdAt, approval };
}

function show({ fingerprint, notBefore, notAfter, x509 }: IssuingAuthority['certificate']): CertificateShown {
  return { fingerprint, notBefore, notAfter, pem: x509.toString() };
}
