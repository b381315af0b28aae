// Is this the certificate that we asked for? Our key, our name, and a path to the owner's root.
import { createPublicKey, hash } from 'node:crypto';

import { parseCertificate, toPem, type Certificate } from '../shared/identity/certificate.ts';
import { verifyPath } from '../shared/identity/path.ts';
import type { Issued } from '../shared/issuance/messages.ts';
import { done, refused, type Outcome } from '../shared/outcome.ts';
import type { Requested, Taken } from './identities.ts';

export interface IssuedQuestion {
  readonly id: string;
  readonly answer: Issued;
  readonly requested: Requested;
  /**
   * DER, base64url: the only root that counts. Undefined: the chain's own root is believed, because nothing is known that could
   * be asked. The owner binding, signed by the last voucher key, is to replace this first sight.
   */
  readonly pinned: string | undefined;
  /** ISO 8601 */
  readonly now: string;
}

export function checkIssued(question: IssuedQuestion): Outcome<Taken> {
  const { id, answer, requested, now } = question;
  const leaf = parseCertificate(Buffer.from(answer.certificate, 'base64url'));
  if (leaf.outcome === 'refused') return leaf;
  const own = checkOwn(leaf.value, id, requested);
  if (own.outcome === 'refused') return own;
  const chain = parseChain(answer.chain);
  if (chain.outcome === 'refused') return chain;
  const root = findRoot(chain.value, question.pinned);
  if (root.outcome === 'refused') return root;
  const at = forgiveClock(leaf.value, now);
  const trusted = { leaf: leaf.value, issuers: chain.value, anchors: [root.value], usage: 'device' } as const;
  const path = verifyPath({ ...trusted, now: at });
  if (path.outcome === 'refused') return path;
  return done({
    certificate: toPem(leaf.value.x509.raw.toString('base64')),
    renewFrom: renewalOf(leaf.value, answer.renewFrom, now),
    root: root.value.x509.raw.toString('base64url'),
  });
}

/** A certificate of another key would lock the device out; one of another name would be no identity of its own. */
function checkOwn({ keyFingerprint, x509 }: Certificate, id: string, { key }: Requested): Outcome<undefined> {
  const own = hash('sha256', createPublicKey(key).export({ format: 'der', type: 'spki' }));
  if (own !== keyFingerprint) return refused({ reason: 'key-differs', expected: own, got: keyFingerprint });
  const expected = `CN=${id}`;
  return x509.subject === expected
    ? done(undefined)
    : refused({ reason: 'subject-differs', expected, got: x509.subject });
}

function parseChain(chain: readonly string[]): Outcome<readonly Certificate[]> {
  const certificates: Certificate[] = [];
  for (const one of chain) {
    const certificate = parseCertificate(Buffer.from(one, 'base64url'));
    if (certificate.outcome === 'refused') return certificate;
    certificates.push(certificate.value);
  }
  return done(certificates);
}

function findRoot(chain: readonly Certificate[], pinned: string | undefined): Outcome<Certificate> {
  if (pinned !== undefined) return parseCertificate(Buffer.from(pinned, 'base64url'));
  const root = chain.at(-1);
  if (root === undefined) return refused({ reason: 'certificate-malformed', problem: 'expected the chain to a root' });
  // An intermediate that were pinned in its place would be trusted longer than its root (RFC 5280 6.1: anchors are not checked).
  if (!root.x509.checkIssued(root.x509) || !root.x509.verify(root.x509.publicKey)) {
    const { fingerprint } = root;
    return refused({ reason: 'certificate-signature-invalid', certificate: fingerprint, issuer: fingerprint });
  }
  return done(root);
}

/** A certificate made a moment ago by a clock that is a little ahead of ours is not one of the future. */
function forgiveClock({ notBefore }: Certificate, now: string): string {
  const ahead = Date.parse(notBefore) - Date.parse(now);
  return ahead > 0 && ahead <= CLOCKS_DIFFER_MS ? notBefore : now;
}

/** Two thirds of the life where the service names a time that has passed or never comes. */
function renewalOf({ notBefore, notAfter }: Certificate, named: string, now: string): string {
  const [from, until, wish] = [Date.parse(notBefore), Date.parse(notAfter), Date.parse(named)];
  if (wish > Date.parse(now) && wish < until) return new Date(wish).toISOString();
  return new Date(from + Math.floor(((until - from) * 2) / 3)).toISOString();
}

const CLOCKS_DIFFER_MS = 10 * 60_000;
