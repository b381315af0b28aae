// Which identities has a device, in which order does it use them, and how does one follow the other? Values only.
import { X509Certificate } from 'node:crypto';

/** PEM. A key never stands without its certificate here. */
export interface KeyAndCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Operational extends KeyAndCertificate {
  /** ISO 8601 */
  readonly renewFrom: string;
}

/** A question that may have been asked; its key is in use nowhere. */
export interface Requested {
  readonly requestId: string;
  /** PKCS #10 in DER, base64url. */
  readonly csr: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Next extends Requested {
  /** The answer. Kept with the question, which can be asked again while the broker does not know the certificate. */
  readonly issued?: { readonly certificate: string; readonly renewFrom: string };
}

/** Everything that changes in the life of a device; the factory identity does not. */
export interface DeviceState {
  /** DER, base64url: the owner's root, pinned when it was first seen. */
  readonly root?: string;
  /** Confirmed. */
  readonly current?: Operational;
  readonly next?: Next;
  /** Issued, never confirmed, and not handed out again: it goes when another certificate is confirmed. */
  readonly spare?: Operational;
}

export type Role = 'next' | 'current' | 'spare' | 'factory';

export interface Candidate extends KeyAndCertificate {
  readonly role: Role;
  /** Lower-case hex SHA-256 of the certificate's DER. */
  readonly certificateId: string;
}

/** Newest first. There is always the factory identity. */
export function candidates(
  { next, current, spare }: DeviceState,
  factory: KeyAndCertificate,
): readonly [Candidate, ...Candidate[]] {
  const last = candidate('factory', factory);
  const [first = last, ...others] = [
    ...(next?.issued === undefined ? [] : [candidate('next', { ...next.issued, key: next.key })]),
    ...(current === undefined ? [] : [candidate('current', current)]),
    ...(spare === undefined ? [] : [candidate('spare', spare)]),
  ];
  return first === last ? [last] : [first, ...others, last];
}

/** Which identity the device connects with, and how often in a row a verified broker has closed it. */
export interface Turn {
  readonly role: Role;
  readonly refusals: number;
}

/**
 * After so many refusals in a row the one before it has its turn, and after the factory identity the newest again: an outage
 * that looks like a refusal must not leave a device with an identity that has been spent.
 */
export function afterRefusal(
  { role, refusals }: Turn,
  known: readonly [Candidate, ...Candidate[]],
  most: number,
): Turn {
  if (refusals + 1 < most) return { role, refusals: refusals + 1 };
  const at = known.findIndex((one) => one.role === role);
  return { role: (known[at + 1] ?? known[0]).role, refusals: 0 };
}

export function withRequest(state: DeviceState, requested: Requested): DeviceState {
  return { ...state, next: requested };
}

export interface Taken {
  readonly certificate: string;
  readonly renewFrom: string;
  readonly root: string;
}

export function withAnswer(state: DeviceState, { root, ...issued }: Taken): DeviceState {
  if (state.next === undefined) throw new Error('an answer without a question');
  return { ...state, root, next: { ...state.next, issued } };
}

/**
 * The question is void. A certificate that came for it is set aside, not thrown away: were our confirmation heard and its
 * answer lost, it is the one that the service knows.
 */
export function withoutRequest({ next, ...state }: DeviceState): DeviceState {
  if (next?.issued === undefined) return state;
  return { ...state, spare: { ...next.issued, key: next.key } };
}

/** The one identity from here on, beside the factory's. */
export function withConfirmed(state: DeviceState, role: Role): DeviceState {
  const { root, next, spare } = state;
  const confirmed = role === 'spare' ? spare : next?.issued && { ...next.issued, key: next.key };
  if (confirmed === undefined) return state;
  return { ...(root === undefined ? {} : { root }), current: confirmed };
}

export function certificateIdOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

function candidate(role: Role, { certificate, key }: KeyAndCertificate): Candidate {
  return { role, certificate, key, certificateId: certificateIdOf(certificate) };
}
