// How many verdicts on a certificate path does one core give, how long does one take, and what can a hostile one cost?
import 'reflect-metadata';

import { X509Certificate, X509ChainBuilder } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

import { parseCertificate, type Certificate } from '../shared/identity/certificate.ts';
import { verifyPath, type PathQuestion } from '../shared/identity/path.ts';
import { craftAuthority, craftDevice, keysOf, nameOf } from '../test/pki/crafted.ts';
import type { Subject } from './measure.ts';

const NOW = '2026-11-24T12:00:00.000Z';

export interface Paths {
  readonly question: PathQuestion;
  /** Leaf first, anchor last. */
  readonly chain: readonly Buffer[];
}

/** Three certificates below an anchor, P-256 throughout. */
export function makePaths(): Paths {
  const root = craftAuthority({ name: 'bench root' });
  const upper = craftAuthority({ name: 'bench upper', issuer: root });
  const lower = craftAuthority({ name: 'bench lower', issuer: upper });
  const device = craftDevice({ name: 'bench device', issuer: lower });
  const [leaf, ...issuers] = [device, lower, upper].map(({ certificate }) => certificate) as [Certificate, Certificate];
  const question = { leaf, issuers, anchors: [root.certificate], usage: 'device', now: NOW } as const;
  return { question, chain: [device, lower, upper, root].map(({ der }) => der) };
}

export function pathSubjects({ question, chain }: Paths): readonly Subject[] {
  return [
    {
      name: 'path of three',
      inside: 'RFC 5280 profile, three ECDSA checks; the certificates were parsed before',
      rows: 2_000,
      run: repeat(() => {
        decide(question);
      }),
    },
    {
      name: '+ parsing',
      inside: 'the same, from the DER of all four',
      rows: 1_000,
      run: repeat(() => {
        decide(parse(chain));
      }),
    },
    {
      name: 'peer: @peculiar/x509 chain builder',
      inside:
        'names and signatures from parsed certificates; neither validity, use, path length nor critical extensions',
      rows: 300,
      run: (rows) => buildChains(rows, chain),
    },
  ];
}

export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  /** Of hostile questions: the longest that any of them took, and what it was. */
  readonly worst: number;
  readonly worstOf: string;
}

/** Milliseconds on the clock, of a warm process. */
export function measureLatencies({ question }: Paths): Latencies {
  const times = Array.from({ length: 5_000 }, () => timeOf(question)).sort((a, b) => a - b);
  const hostile = hostileQuestions(question).map(([name, one]) => {
    const rounds = Array.from({ length: 10 }, () => timeOf(one));
    return { name, time: Math.max(...rounds) };
  });
  const worst = hostile.reduce((one, other) => (other.time > one.time ? other : one));
  return { p50: times[2_500] ?? 0, p99: times[4_950] ?? 0, worst: worst.time, worstOf: worst.name };
}

function timeOf(question: PathQuestion): number {
  const start = performance.now();
  verifyPath(question);
  return performance.now() - start;
}

/** Refused, all of them, after as much work as anybody can make (T039). */
function hostileQuestions(question: PathQuestion): readonly (readonly [string, PathQuestion])[] {
  const anchors = question.anchors;
  const numbers = Array.from({ length: 100 }, (_none, index) => `01${String(index).padStart(4, '0')}`);
  const nobody = { keys: keysOf('bench nobody'), subject: nameOf('bench many') };
  const many = numbers.map((serial) => craftAuthority({ name: 'bench many', key: `bench ${serial}`, serial }));
  const one = numbers.map((serial) => craftAuthority({ name: 'bench many', key: 'bench one', serial }));
  const rsa = numbers.map((serial) => craftAuthority({ name: 'bench many', key: 'bench rsa', kind: 'RSA', serial }));
  const ask = (issuers: typeof many, issuer: typeof nobody, kind: 'P-256' | 'RSA' = 'P-256'): PathQuestion => {
    const leaf = craftDevice({
      name: 'bench leaf',
      issuer: { ...issuer, keys: keysOf('bench one', kind) },
    }).certificate;
    return { ...question, leaf, anchors, issuers: issuers.map(({ certificate }) => certificate) };
  };
  return [
    ['100 authorities of one name with a key each', ask(many, nobody)],
    ['100 authorities of one name and one key', ask(one, nobody)],
    ['100 authorities of one name and an RSA key', ask(rsa, nobody, 'RSA')],
  ];
}

function repeat(work: () => void) {
  return (rows: number) => {
    for (let row = 0; row < rows; row += 1) work();
  };
}

function decide(question: PathQuestion): void {
  const path = verifyPath(question);
  if (path.outcome === 'refused') throw new Error(JSON.stringify(path.refusal));
}

function parse(chain: readonly Buffer[]): PathQuestion {
  const certificates = chain.map((der) => {
    const certificate = parseCertificate(der);
    if (certificate.outcome === 'refused') throw new Error('the chain of the bench cannot be read');
    return certificate.value;
  });
  const [leaf, ...issuers] = certificates as [Certificate, Certificate];
  return { leaf, issuers: issuers.slice(0, -1), anchors: issuers.slice(-1), usage: 'device', now: NOW };
}

async function buildChains(rows: number, chain: readonly Buffer[]): Promise<void> {
  const [leaf, ...others] = chain.map((der) => new X509Certificate(der)) as [X509Certificate, X509Certificate];
  const builder = new X509ChainBuilder({ certificates: others });
  for (let row = 0; row < rows; row += 1) {
    const found = await builder.build(leaf, webcrypto);
    if (found.length !== chain.length) throw new Error('the peer found another chain');
  }
}
