// Which verdicts of others do we agree with? Cases of public corpora, asked in the profile of the project; where the profile
// is narrower than the corpus, profile-exceptions.json says why.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseCertificate, parsePemCertificate, type Certificate } from '../../../shared/identity/certificate.ts';
import { verifyPath, type VerifiedPath } from '../../../shared/identity/path.ts';
import { parseRevocationList, type RevocationList } from '../../../shared/identity/revocation-list.ts';
import type { Outcome } from '../../../shared/outcome.ts';

/** Made by others; the tests that need them are skipped where the folder is missing. */
export const CORPORA = join(import.meta.dirname, '../../../../shared/corpora');
export const HAVE_LIMBO = existsSync(join(CORPORA, 'x509-limbo'));
export const HAVE_PKITS = existsSync(join(CORPORA, 'pkits'));

export interface Case {
  readonly id: string;
  /** What the corpus says. */
  readonly expected: 'accepted' | 'refused';
  /** What it asks for and the profile cannot be asked: another purpose than TLS clients. */
  readonly askable: boolean;
  decide(): Outcome<VerifiedPath>;
}

export type Exceptions = Readonly<Record<'x509-limbo' | 'pkits', Readonly<Record<string, string>>>>;

export const EXCEPTIONS = JSON.parse(
  readFileSync(join(import.meta.dirname, 'profile-exceptions.json'), 'utf8'),
) as Exceptions;

interface LimboCase {
  readonly id: string;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly peer_certificate: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly crls: readonly string[];
  readonly validation_time: string | null;
  readonly max_chain_depth: number | null;
  readonly extended_key_usage: readonly string[];
}

export function readLimbo(): readonly Case[] {
  if (!HAVE_LIMBO) return [];
  const file = readFileSync(join(CORPORA, 'x509-limbo/limbo-half.json'), 'utf8');
  return (JSON.parse(file) as { testcases: readonly LimboCase[] }).testcases.map((given) => ({
    id: given.id,
    expected: given.expected_result === 'SUCCESS' ? 'accepted' : 'refused',
    askable: given.extended_key_usage.every((purpose) => purpose === 'clientAuth'),
    decide: () => decideLimbo(given),
  }));
}

/** The corpus was made in 2026, and its certificates are valid for centuries. */
const LIMBO_NOW = '2026-11-24T12:00:00Z';

function decideLimbo(given: LimboCase): Outcome<VerifiedPath> {
  const leaf = parsePemCertificate(given.peer_certificate);
  if (leaf.outcome === 'refused') return leaf;
  return verifyPath({
    leaf: leaf.value,
    issuers: given.untrusted_intermediates.flatMap((pem) => readable(parsePemCertificate(pem))),
    anchors: given.trusted_certs.flatMap((pem) => readable(parsePemCertificate(pem))),
    usage: 'any',
    now: given.validation_time ?? LIMBO_NOW,
    ...(given.max_chain_depth === null ? {} : { mostBetween: given.max_chain_depth }),
    ...(given.crls.length === 0 ? {} : { revocation: given.crls.flatMap((pem) => readable(parseListPem(pem))) }),
  });
}

function parseListPem(pem: string): Outcome<RevocationList> {
  return parseRevocationList(Buffer.from(pem.replaceAll(/-----[A-Z0-9 ]+-----|\s/g, ''), 'base64'));
}

interface PkitsCase {
  readonly number: string;
  readonly test: string;
  /** Anchor first, leaf last. */
  readonly certs: readonly string[];
  readonly crls: readonly string[];
  readonly shouldValidate: boolean;
}

export function readPkits(): readonly Case[] {
  if (!HAVE_PKITS) return [];
  const cases = JSON.parse(readFileSync(join(CORPORA, 'pkits/cases.json'), 'utf8')) as readonly PkitsCase[];
  return cases.map((given) => ({
    id: `${given.number} ${given.test.replace(/^Section\d+/, '')}`,
    expected: given.shouldValidate ? 'accepted' : 'refused',
    askable: true,
    decide: () => decidePkits(given),
  }));
}

const PKITS_NOW = '2011-04-15T00:00:00Z';

function decidePkits({ certs, crls }: PkitsCase): Outcome<VerifiedPath> {
  const chain = certs.map((name) => parseCertificate(readFileSync(join(CORPORA, 'pkits/certs', `${name}.crt`))));
  const leaf = chain.at(-1);
  if (leaf?.outcome !== 'done') throw new Error(`cannot read "${certs.at(-1) ?? ''}"`);
  const [anchor, ...issuers] = chain.slice(0, -1).flatMap(readable<Certificate>);
  const lists = crls.map((name) => parseRevocationList(readFileSync(join(CORPORA, 'pkits/crls', `${name}.crl`))));
  const anchors = anchor === undefined ? [] : [anchor];
  const revocation = lists.flatMap(readable<RevocationList>);
  return verifyPath({ leaf: leaf.value, issuers, anchors, usage: 'any', now: PKITS_NOW, revocation });
}

function readable<T>(outcome: Outcome<T>): readonly T[] {
  return outcome.outcome === 'done' ? [outcome.value] : [];
}
