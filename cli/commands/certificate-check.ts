// `wardkey certificate check`: does a path lead from this certificate to somebody trusted? Offline, with the validator that
// an import uses, and with no other trust and no other time than are named.
import { Option, type Command } from 'commander';

import { parsePemCertificate, parsePemCertificates, type Certificate } from '../../shared/identity/certificate.ts';
import { serialOf } from '../../shared/identity/certificate-body.ts';
import { verifyPath, type Usage, type VerifiedPath } from '../../shared/identity/path.ts';
import { parseRevocationList, type RevocationList } from '../../shared/identity/revocation-list.ts';
import type { Outcome } from '../../shared/outcome.ts';
import { REASONS, type Refusal } from '../../shared/reasons.ts';
import { answering } from '../command.ts';
import { readBytes, readRevocationList } from '../files.ts';
import { describeRefusal } from '../invoke.ts';
import { colour, table, UsageError, type Answer } from '../terminal.ts';

interface CertificateOptions {
  readonly anchor: readonly string[];
  readonly chain: readonly string[];
  readonly crl: readonly string[];
  readonly at: string;
  readonly usage: Usage;
}

const USAGES = ['device', 'chip', 'any'] as const satisfies readonly Usage[];

export function addCertificateCommands(program: Command): void {
  const certificate = program.command('certificate').description('certificates of devices and chips');
  const check = certificate
    .command('check')
    .description('decide offline whether a path leads from a certificate to a trusted anchor');
  check.argument('<leaf>', 'certificate in PEM');
  check.requiredOption('--anchor <pem>', 'trusted certificates, one or several in a file; repeatable', collect);
  check.requiredOption('--at <time>', 'decide as of this time, ISO 8601, such as 2026-11-24T12:00:00Z');
  check.option('--chain <pem>', 'issuers that come along and are not trusted, in any order; repeatable', collect, []);
  check.option(
    '--crl <file>',
    'revocation list, PEM or DER; repeatable. With one, every certificate below the anchor needs a list of its issuer',
    collect,
    [],
  );
  check.addOption(new Option('--usage <usage>', WHAT_FOR).choices(USAGES).default('device'));
  answering<CertificateOptions>(check, ([file = ''], options) => Promise.resolve(checkCertificate(file, options)));
}

const WHAT_FOR = 'what it is for: a device (says clientAuth), a chip (may leave that out), any (the path alone)';

/** One value an option, so that no option swallows the file behind it. */
function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function checkCertificate(file: string, options: CertificateOptions): Answer {
  const [at, leaf] = [readTime(options.at), readLeaf(file)];
  const anchors = options.anchor.flatMap(readCertificates);
  const issuers = options.chain.flatMap(readCertificates);
  if (leaf.outcome === 'refused') return describeRefused(leaf.refusal);
  const lists: RevocationList[] = [];
  for (const name of options.crl) {
    const list = parseRevocationList(readRevocationList(name));
    if (list.outcome === 'refused') return describeRefused(list.refusal);
    lists.push(list.value);
  }
  const revocation = lists.length === 0 ? {} : { revocation: lists };
  const path = verifyPath({ leaf: leaf.value, issuers, anchors, usage: options.usage, now: at, ...revocation });
  return path.outcome === 'refused' ? describeRefused(path.refusal) : describePath(path.value, at, options);
}

function readTime(at: string): string {
  const time = ISO.test(at) ? Date.parse(at) : NaN;
  if (Number.isNaN(time)) throw new UsageError(`--at "${at}": expected ISO 8601, such as 2026-11-24T12:00:00Z`);
  return new Date(time).toISOString();
}

/** A file without a PEM block is a slip of the hand; a block that holds no good certificate is refused. */
function readLeaf(file: string): Outcome<Certificate> {
  const pem = readBytes(file).toString('latin1');
  const blocks = pem.split(BEGIN).length - 1;
  if (blocks !== 1) throw new UsageError(`"${file}": expected one certificate in PEM, got ${blocks}`);
  return parsePemCertificate(pem);
}

function readCertificates(file: string): readonly Certificate[] {
  const certificates = parsePemCertificates(readBytes(file).toString('latin1'));
  if (certificates.outcome === 'done') return certificates.value;
  const { reason, ...compared } = certificates.refusal;
  const problem = Object.values(compared).join(', ');
  throw new UsageError(`"${file}": expected certificates in PEM and nothing between them: ${reason}: ${problem}`);
}

function describeRefused(refusal: Refusal): Answer {
  const { sentence } = REASONS[refusal.reason];
  return { ok: false, json: { outcome: 'refused', refusal, sentence }, text: describeRefusal(refusal) };
}

interface Step {
  readonly place: 'leaf' | 'issuer' | 'anchor';
  readonly subject: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly fingerprint: string;
}

function describePath(path: VerifiedPath, at: string, { usage, crl }: CertificateOptions): Answer {
  const issuers = path.issuers.map((issuer) => stepOf('issuer', issuer));
  const steps = [stepOf('leaf', path.leaf), ...issuers, stepOf('anchor', path.anchor)];
  const revocation = crl.length === 0 ? 'not asked: no --crl was given' : 'none of them is revoked';
  const text = [
    table(
      ['', 'subject', 'serial', 'valid from', 'until', 'SHA-256'],
      steps.map(({ place, subject, serial, notBefore, notAfter, fingerprint }) => [
        ...[place, subject, serial, notBefore, notAfter],
        fingerprint.slice(0, 16),
      ]),
    ),
    `revocation: ${revocation}`,
    `${colour('green', 'accepted')}: as ${usage} at ${at}`,
  ];
  return { ok: true, json: { outcome: 'accepted', usage, at, revocation, path: steps }, text: text.join('\n') };
}

/** The subject is for people to read; nothing is decided by it. */
function stepOf(place: Step['place'], certificate: Certificate): Step {
  const { fingerprint, notBefore, notAfter, x509 } = certificate;
  const subject = x509.subject.replaceAll('\n', ', ');
  return { place, subject, serial: serialOf(certificate), notBefore, notAfter, fingerprint };
}

const BEGIN = '-----BEGIN CERTIFICATE-----';
const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
