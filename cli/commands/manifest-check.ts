// `wardkey manifest check`: what would an import say? Offline: no AWS, no credentials, and only the trust that is named.
import type { Command } from 'commander';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import type { Anchor, AnchorPurpose } from '../../shared/identity/anchor.ts';
import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import { isManufacturerCode } from '../../shared/identity/device-id.ts';
import type { ManifestFormat } from '../../shared/whitelist/formats/format.ts';
import { formatOf } from '../../shared/whitelist/formats/formats.ts';
import { TAR_END, tarMember } from '../../shared/whitelist/formats/tar.ts';
import { readOpening } from '../../shared/whitelist/formats/wardkey.ts';
import { checkManifest, type CheckedLine, type CheckReport } from '../check.ts';
import { answering } from '../command.ts';
import { describeRefusal } from '../invoke.ts';
import { table, UsageError, type Answer } from '../terminal.ts';

interface CheckOptions {
  readonly signer: readonly string[];
  readonly anchor: readonly string[];
  readonly manufacturer?: string;
  readonly at?: string;
  readonly all?: true;
}

export function addManifestCheckCommand(manifest: Command): void {
  const check = manifest
    .command('check')
    .description('decide offline what an import would accept, and why not the rest');
  check.argument(
    '<file>',
    'manifest, its signature <file>.jws beside it; or the folder of an unpacked Infineon bundle',
  );
  check.option(
    '--signer <pem>',
    'certificate of a trusted manifest signer; repeatable (default: nothing is accepted)',
    collect,
    [],
  );
  check.option(
    '--anchor <pem>',
    "certificate of one of the maker's authorities; repeatable (default: chains stay unchecked)",
    collect,
    [],
  );
  check.option('--manufacturer <code>', 'manufacturer code (default: from the header, or the name of the format)');
  check.option('--at <time>', 'decide as of this time, ISO 8601 (default: now)');
  check.option('--all', `print every line (default: the first ${FEW})`);
  answering<CheckOptions>(check, async ([file = ''], options, terminal) => {
    const now = readTime(options.at);
    const source = openSource(file);
    const format = formatOf(source.name);
    if (format.outcome === 'refused') {
      return { ok: false, json: { refusal: format.refusal }, text: describeRefusal(format.refusal) };
    }
    const manufacturer = await chooseManufacturer(options.manufacturer, format.value, source);
    const signers = readAnchors(options.signer, 'signer', manufacturer);
    // Which of both it would be to the deployment is not asked: each is tried, and a chip need not say what it is for.
    const [authorities, roots] = ANCHORS.map((purpose) => readAnchors(options.anchor, purpose, manufacturer));
    const anchors = [...(authorities ?? []), ...(roots ?? [])];
    const order = { format: format.value, manufacturer, signers, anchors, now, ...source };
    const report = await terminal.step(`checking ${file}`, (note) => checkManifest(order, note));
    return describe(report, { all: options.all === true, chains: anchors.length > 0 });
  });
}

/** One value an option, so that no option swallows the file behind it. */
function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

interface Source {
  /** Decides the format; a folder is read as if it were packed. */
  readonly name: string;
  read(): AsyncIterable<Uint8Array>;
  readonly signature: string | undefined;
  readonly signatureFile: string;
}

function openSource(file: string): Source {
  if (!existsSync(file)) throw new UsageError(`cannot read "${file}"`);
  const folder = statSync(file).isDirectory();
  const name = folder ? `${basename(resolve(file))}.tar` : basename(file);
  const signatureFile = folder ? `${resolve(file)}.tar.jws` : `${file}.jws`;
  const signature = existsSync(signatureFile) ? readFileSync(signatureFile, 'utf8') : undefined;
  return { name, signature, signatureFile, read: () => (folder ? packFolder(file) : createReadStream(file)) };
}

/** The three slots in order of their names: the same folder gives the same bytes. */
async function* packFolder(folder: string): AsyncGenerator<Uint8Array> {
  for (const slot of ['E0E0', 'E0E1', 'E0E2']) {
    const place = join(folder, slot);
    const files = existsSync(place) ? readdirSync(place).sort() : [];
    for (const file of files) {
      yield await Promise.resolve(tarMember({ name: `${slot}/${file}`, bytes: readFileSync(join(place, file)) }));
    }
  }
  yield TAR_END;
}

async function chooseManufacturer(given: string | undefined, format: ManifestFormat, source: Source): Promise<string> {
  if (given !== undefined && !isManufacturerCode(given)) {
    throw new UsageError(`manufacturer "${given}": expected 2 to 16 a-z 0-9`);
  }
  if (given !== undefined) return given;
  const header = format.name === 'wardkey' ? await readOpening(source.read()) : undefined;
  if (header?.outcome === 'done') return header.value.manufacturer;
  return isManufacturerCode(format.name) ? format.name : 'unnamed';
}

function readAnchors(files: readonly string[], purpose: AnchorPurpose, manufacturer: string): readonly Anchor[] {
  return files.map((file) => {
    if (!existsSync(file)) throw new UsageError(`cannot read "${file}"`);
    const certificate = parsePemCertificate(readFileSync(file, 'utf8'));
    if (certificate.outcome === 'refused') throw new UsageError(`"${file}": expected one certificate in PEM`);
    return { version: 1, purpose, manufacturer, certificate: certificate.value };
  });
}

function readTime(at: string | undefined): string {
  const time = at === undefined ? Date.now() : Date.parse(at);
  if (Number.isNaN(time)) throw new UsageError(`time "${at ?? ''}": expected ISO 8601, such as 2026-11-24T12:00:00Z`);
  return new Date(time).toISOString();
}

interface Telling {
  readonly all: boolean;
  readonly chains: boolean;
}

function describe(report: CheckReport, { all, chains }: Telling): Answer {
  const { manifest, refusal, totals, lines } = report;
  if (refusal !== undefined) return { ok: false, json: report, text: describeRefusal(refusal) };
  const { reasons, ...results } = totals;
  const shown = all ? lines : lines.slice(0, FEW);
  const more = lines.length - shown.length;
  const text = [
    ...(manifest === undefined ? [] : [`signed by ${manifest.signer} at ${manifest.signedAt}`]),
    table(['line', 'serial', 'result', 'reason'], shown.map(rowOf)),
    ...(more > 0 ? [`and ${more} more; --all prints them`] : []),
    Object.entries(results)
      .map(([result, count]) => `${result} ${count}`)
      .join(', '),
    ...Object.entries(reasons).map(([reason, count]) => `  ${reason}: ${count}`),
    ...(chains ? [] : ['chains were not checked: no --anchor was given']),
  ];
  // A file without devices proves nothing.
  return { ok: totals.refused === 0 && lines.length > 0, json: report, text: text.join('\n') };
}

function rowOf({ line, serial, result, refusal }: CheckedLine): readonly string[] {
  return [String(line), serial ?? '', result, refusal?.reason ?? ''];
}

const FEW = 50;
const ANCHORS = ['authority', 'root'] as const;
