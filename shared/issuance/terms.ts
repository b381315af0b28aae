// On which terms is a certificate issued? Its number, its life, and where its issuer publishes what it takes back: checked, closed by default.
import { done, Fault, refused, type Outcome } from '../outcome.ts';
import type { CertificateKind } from './profile.ts';

export interface Terms {
  /** 16 random bytes, for this certificate alone. */
  readonly serial: Uint8Array;
  /** ISO 8601, UTC; parts of a second are left out, as certificates know none. */
  readonly notBefore: string;
  /** Whole days; the last second of the last one is still inside, so that notAfter - notBefore + 1 s is so many days (T091). */
  readonly validityDays?: number;
}

/** Milliseconds since 1970, whole seconds. */
export interface Life {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** `authority-ends-first`: what outlives its issuer would be believed by nobody at its end. */
export function readLife(terms: Terms, kind: CertificateKind, issuerNotAfter?: string): Outcome<Life> {
  const { usual, most } = DAYS[kind];
  const { validityDays = usual } = terms;
  if (!Number.isInteger(validityDays) || validityDays < 1 || validityDays > most)
    return malformed(`validityDays: expected 1 to ${most} whole days, got ${validityDays}`);
  const notBefore = readInstant(terms.notBefore);
  if (notBefore === undefined) return malformed('notBefore: expected a time in ISO 8601 and UTC');
  // RFC 5280 4.1.2.5: both ends are inside (T091).
  const notAfter = notBefore + validityDays * DAY - SECOND;
  if (issuerNotAfter !== undefined && notAfter > Date.parse(issuerNotAfter))
    return refused({ reason: 'authority-ends-first', notAfter: toIso(notAfter), issuerNotAfter });
  return done({ notBefore, notAfter });
}

/** Milliseconds since 1970 of a time in UTC, without the parts of its second; undefined for anything else. */
export function readInstant(iso: string): number | undefined {
  const time = ISO.test(iso) ? Date.parse(iso) : NaN;
  return Number.isNaN(time) ? undefined : Math.floor(time / SECOND) * SECOND;
}

export function toIso(time: number): string {
  return new Date(time).toISOString();
}

/**
 * RFC 5280 4.1.2.2: positive and at most 20 bytes long. The first two bits are 01, so that it never looks negative or gets
 * shorter: 126 of its 128 bits stay random, and nobody can tell the next one from the last (T091).
 */
export function serialOf(random: Uint8Array): Buffer {
  // A serial number of fewer bytes would repeat one day: a fault of the edge, never a certificate.
  if (random.length !== SERIAL_BYTES) throw new Fault('answer-malformed', `expected ${SERIAL_BYTES} random bytes`);
  const serial = Buffer.from(random);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

/** The same text, absolute and in the one spelling that URLs have: whoever checks the certificate asks there. */
export function checkCrlUrl(text: string): Outcome<string> {
  const url = text.length <= LONGEST_URL && URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.href === text && url.username === '' && url.password === '' && !text.includes('#');
  if (plain && (url.protocol === 'http:' || url.protocol === 'https:')) return done(text);
  return malformed(`crlUrl: expected an http or https URL of at most ${LONGEST_URL} characters`);
}

function malformed(problem: string) {
  return refused({ reason: 'request-malformed', problem });
}

export const SERIAL_BYTES = 16;
const SECOND = 1000;
const DAY = 86_400 * SECOND;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const LONGEST_URL = 256;
/** An operational certificate is replaced long before; ten years and twenty-five outlive the devices of an owner. */
const DAYS: Readonly<Record<CertificateKind, { readonly usual: number; readonly most: number }>> = {
  operational: { usual: 90, most: 397 },
  delivery: { usual: 397, most: 397 },
  issuing: { usual: 1826, most: 3653 },
  root: { usual: 7305, most: 9132 },
};
