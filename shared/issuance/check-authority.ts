// Are these the certificates and keys of an authority that may sign for an owner? What a ceremony brings is read as if a
// stranger had sent it (blueprint step 3).
import { createHash } from 'node:crypto';

import { canonicalBytes } from '../canonical.ts';
import { sameBytes } from '../identity/path-rules.ts';
import { done, Fault, refused, type Outcome } from '../outcome.ts';
import type { KeyDescription } from '../ports.ts';
import type { AuthorityTerms } from './authority.ts';
import { readCommissioned, type IssuedCertificate } from './commission.ts';
import { readIssuer, type Issuer } from './issuer.ts';
import { checkCrlUrl } from './terms.ts';

/** Tags of keys that were made at run time; roles reach such keys only by them. */
export const KEY_TAGS = { purpose: 'wardkey:purpose', owner: 'wardkey:owner' } as const;
export type KeyPurpose = 'root' | 'issuing' | 'delivery';

/** `CN=<kind> CA of <owner> <8 hex digits of the key>`: no two authorities of an account share a name. */
export function authorityName(kind: 'root' | 'issuing', owner: string, keyFingerprint: string): string {
  return `${kind} CA of ${owner} ${keyFingerprint.slice(0, 8)}`;
}

export function termsDigest(terms: AuthorityTerms): string {
  return createHash('sha256').update('wardkey-authority/1\0').update(canonicalBytes(terms)).digest('hex');
}

export interface CheckedAuthority {
  readonly root: IssuedCertificate;
  readonly issuing: IssuedCertificate;
  readonly delivery: IssuedCertificate;
  readonly issuer: Issuer;
}

/** Each of the profile, byte for byte, signed by the one above it, named for this owner, and long enough alive. */
export function checkAuthority(terms: AuthorityTerms, now: string): Outcome<CheckedAuthority> {
  const chain = readChain(terms);
  if (chain.outcome === 'refused') return chain;
  const { root, issuing, delivery, issuer } = chain.value;
  const { owner, algorithm, validityDays } = terms;
  const named = (kind: 'root' | 'issuing', { prepared, certificate }: IssuedCertificate) =>
    prepared.commonName === authorityName(kind, owner, certificate.keyFingerprint);
  if (!named('root', root) || !named('issuing', issuing))
    return unfit(`expected certificates that are named for ${owner}`);
  if (!delivery.prepared.commonName.endsWith(` ${owner}`)) return unfit(`expected a delivery key of ${owner}`);
  if (issuer.algorithm !== algorithm) return unfit(`expected an issuing key of ${algorithm}, got ${issuer.algorithm}`);
  const url = checkCrlUrl(terms.crlUrl);
  if (url.outcome === 'refused') return url;
  const ends = Math.min(...[root, issuing].map(({ prepared }) => Date.parse(prepared.notAfter)));
  if (ends < Date.parse(now) + validityDays * 86_400_000) return unfit('expected a chain that outlives what it signs');
  return chain;
}

function readChain(terms: AuthorityTerms): Outcome<CheckedAuthority> {
  try {
    const root = readCommissioned(decode(terms.root), undefined, 'root');
    const rootIssuer = readIssuer(root.certificate);
    if (rootIssuer.outcome === 'refused') return rootIssuer;
    const issuing = readCommissioned(decode(terms.certificate), rootIssuer.value, 'issuing');
    const issuer = readIssuer(issuing.certificate);
    if (issuer.outcome === 'refused') return issuer;
    const delivery = readCommissioned(decode(terms.delivery.certificate), issuer.value, 'delivery');
    return done({ root, issuing, delivery, issuer: issuer.value });
  } catch (error) {
    if (error instanceof Fault)
      return unfit('expected root, issuing CA and delivery key of the profile, each signed by the one above');
    throw error;
  }
}

function decode(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}

const SPECS: Readonly<Record<string, string>> = {
  ES256: 'ECC_NIST_P256',
  ES384: 'ECC_NIST_P384',
  EdDSA: 'ECC_NIST_EDWARDS25519',
};

export interface KeyWish {
  readonly keyArn: string;
  readonly owner: string;
  readonly purpose: KeyPurpose;
  readonly account: string;
}

/** The very key of the issuing certificate, made for this owner and purpose, and reachable by nobody else. */
export function checkSigningKey(
  key: KeyDescription | undefined,
  wish: KeyWish,
  { algorithm, publicKey }: Pick<Issuer, 'algorithm' | 'publicKey'>,
): Outcome<KeyDescription> {
  const known = checkKey(key, wish, { spec: SPECS[algorithm] ?? '', usage: 'SIGN_VERIFY' });
  if (known.outcome === 'refused') return known;
  if (known.value.publicKey !== undefined && sameBytes(known.value.publicKey, publicKey)) return known;
  return unfitKey(wish, 'it is not the key of the issuing certificate');
}

/** What seals the delivery key is for that alone. */
export function checkSealingKey(key: KeyDescription | undefined, wish: KeyWish): Outcome<KeyDescription> {
  return checkKey(key, wish, { spec: 'SYMMETRIC_DEFAULT', usage: 'ENCRYPT_DECRYPT' });
}

function checkKey(
  key: KeyDescription | undefined,
  wish: KeyWish,
  { spec, usage }: Pick<KeyDescription, 'spec' | 'usage'>,
): Outcome<KeyDescription> {
  if (key === undefined) return unfitKey(wish, 'there is no such key');
  if (key.status !== 'Enabled') return unfitKey(wish, `expected an enabled key, got ${key.status}`);
  if (key.spec !== spec || key.usage !== usage)
    return unfitKey(wish, `expected ${spec} for ${usage}, got ${key.spec} for ${key.usage}`);
  const [purpose = 'none', owner = 'none'] = [key.tags[KEY_TAGS.purpose], key.tags[KEY_TAGS.owner]];
  if (purpose !== wish.purpose || owner !== wish.owner)
    return unfitKey(wish, `expected tags ${wish.purpose} and ${wish.owner}, got ${purpose} and ${owner}`);
  const stranger = findStranger(key.policy, wish.account);
  return stranger === undefined ? done(key) : unfitKey(wish, `its policy lets in ${stranger}`);
}

/** Whom the key policy lets in from outside the account, or without a name; undefined when nobody. */
function findStranger(policy: string, account: string): string | undefined {
  const statements = statementsOf(policy);
  if (statements === undefined) return 'somebody that cannot be told: it cannot be read';
  return statements
    .filter(({ Effect }) => Effect !== 'Deny')
    .flatMap(({ Principal }) => principalsOf(Principal))
    .find((principal) => !new RegExp(`^(arn:[a-z-]+:(iam|sts)::${account}:.+|${account})$`).test(principal));
}

interface Statement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
}

function statementsOf(policy: string): readonly Statement[] | undefined {
  try {
    const { Statement } = JSON.parse(policy) as { Statement?: unknown };
    if (Array.isArray(Statement)) return Statement as Statement[];
    return typeof Statement === 'object' && Statement !== null ? [Statement] : undefined;
  } catch {
    return undefined;
  }
}

/** Without one, or of a kind we do not know, it is anybody. */
function principalsOf(principal: unknown): readonly string[] {
  if (typeof principal !== 'object' || principal === null) return [String(principal)];
  return Object.entries(principal).flatMap(([kind, names]) => {
    const all = (Array.isArray(names) ? names : [names]).map(String);
    return kind === 'AWS' ? all : all.map((name) => `${kind} ${name}`);
  });
}

function unfit(problem: string) {
  return refused({ reason: 'authority-unfit', problem });
}

function unfitKey({ keyArn: key }: KeyWish, problem: string) {
  return refused({ reason: 'key-unfit', key, problem });
}
